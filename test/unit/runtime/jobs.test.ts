import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { createJobs, createLog, createMetrics, type Job } from '../../../src/runtime/index.ts'
import { milliseconds } from '../../../src/time.ts'

const settle = () => new Promise<void>((resolve) => setImmediate(resolve))

const aWorld = (t: TestContext, run: Job['run'], jitter = 0.5) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const lines: string[] = []
  const log = createLog({ level: 'info', sink: { write: (line) => lines.push(line) } })
  const metrics = createMetrics({ process: 'ignored' })
  const job: Job = { name: 'sweep', interval: milliseconds(1000), run }
  const jobs = createJobs({ jobs: [job], log, metrics, jitter: () => jitter })
  const pass = async (ms: number) => {
    t.mock.timers.tick(ms)
    await settle()
  }
  return { jobs, lines, metrics, pass }
}

describe('a repeating job', () => {
  test('runs once an interval', async (t) => {
    let runs = 0
    const { jobs, pass } = aWorld(t, async () => {
      runs += 1
    })
    jobs.start()
    await pass(999)
    assert.equal(runs, 0)
    await pass(1)
    await pass(1000)
    assert.equal(runs, 2)
    await jobs.stop()
    await pass(5000)
    assert.equal(runs, 2)
  })

  test('never overlaps itself', async (t) => {
    const release = Promise.withResolvers<void>()
    let runs = 0
    const { jobs, pass } = aWorld(t, () => {
      runs += 1
      return release.promise
    })
    jobs.start()
    await pass(1000)
    await pass(10_000)
    assert.equal(runs, 1)
    release.resolve()
    await settle()
    await pass(1000)
    assert.equal(runs, 2)
    await jobs.stop()
  })

  test('that fails is logged and counted, and runs again', async (t) => {
    const { jobs, lines, metrics, pass } = aWorld(t, () => Promise.reject(new Error('hunter2')))
    jobs.start()
    await pass(1000)
    await pass(1000)
    await jobs.stop()
    assert.match(lines[0] ?? '', /"job":"sweep".*"event":"job.failed"/)
    assert.ok(!lines.join('').includes('hunter2'))
    const { body } = await metrics.text()
    assert.match(body, /^realm_runtime_job_runs_total\{job="sweep",outcome="failed"\} 2$/m)
  })

  test('starts up to a tenth of the interval early or late', async (t) => {
    let runs = 0
    const count = async () => {
      runs += 1
    }
    const { jobs, pass } = aWorld(t, count, 1)
    jobs.start()
    await pass(1099)
    assert.equal(runs, 0)
    await pass(1)
    assert.equal(runs, 1)
    await jobs.stop()
  })

  test('is told to end when the process stops, and is waited for', async (t) => {
    let isEnded = false
    const { jobs, pass } = aWorld(t, async (stopping) => {
      await new Promise((resolve) => stopping.addEventListener('abort', resolve))
      await settle()
      isEnded = true
    })
    jobs.start()
    await pass(1000)
    await jobs.stop()
    assert.ok(isEnded)
  })
})
