// `scripts/verify-release`: is this artefact a release, and is it what its source makes? It believes the signers that
// its user names and nobody else, and says of every difference which file, which bytes, and why it matters.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import {
  EVIDENCE,
  isReleaseProblem,
  pinnedSigners,
  type Signer,
  wordsOfProblem,
} from '../../src/release/index.ts'
import { type Finding, filesIn, judgeRebuild, judgeRelease, manifestIn } from './judge-artefact.ts'
import { judgePacking } from './judge-packing.ts'
import { type OpenedArtefact, openArtefact } from './open-artefact.ts'
import { inScratch, rebuild } from './rebuild.ts'
import { developmentKeys } from './release-keys.ts'

const ROOT = join(import.meta.dirname, '../..')
const USAGE = `usage: scripts/verify-release ARTEFACT --signers FILE [--source DIR] [--seen CHECKPOINT]
                              [--offline-bundle FILE] [--no-rebuild] [--development]

  --signers          whom to believe: the signers.json that you got from the maker by another way than the artefact
  --source           a git checkout, or a folder with the source; this checkout unless told
  --seen             the release log's checkpoint of a release you accepted earlier: a log that does not go on from it
                     is refused, also a shorter one (an older release put back)
  --offline-bundle   packages from this file (scripts/release --make-offline-bundle) instead of a registry
  --no-rebuild       without source: signatures, log, manifest, and that it is packed as its signed files say
  --development      believe the development keys, which anybody can compute

Ends with 0 if all is well, 1 if anything is not, 2 if it was used wrongly.`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    signers: { type: 'string' },
    source: { type: 'string' },
    seen: { type: 'string' },
    help: { type: 'boolean', default: false },
    development: { type: 'boolean', default: false },
    'offline-bundle': { type: 'string' },
    'no-rebuild': { type: 'boolean', default: false },
  },
})

const believed = (): readonly Signer[] => {
  if (values.development) return [developmentKeys().signer]
  if (values.signers === undefined) throw new Error('--signers is needed: whom shall be believed?')
  const signers = pinnedSigners(readFileSync(values.signers, 'utf8'))
  if (isReleaseProblem(signers)) throw new Error(wordsOfProblem(signers))
  return signers
}

const say = (line: string): void => console.log(line)

const writeEvidence = (opened: OpenedArtefact, folder: string): void => {
  for (const [path, bytes] of filesIn(opened)) {
    if (!path.startsWith(EVIDENCE)) continue
    const file = join(folder, path.slice(EVIDENCE.length))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, bytes)
  }
}

const ENDINGS = { package: '.deb', tarball: '.tar.zst', image: '.oci.tar' } as const

/** People rename what they download. */
const sameKind = ({ kind }: OpenedArtefact, names: readonly string[]): string => {
  const found = names.find((name) => name.endsWith(ENDINGS[kind]))
  if (found === undefined) throw new Error('the source makes no such artefact')
  return found
}

const compareWithSource = (bytes: Buffer, opened: OpenedArtefact): readonly Finding[] =>
  inScratch((folder) => {
    const manifest = manifestIn(opened)
    if (manifest === undefined) {
      return [
        { at: 'artefact', says: 'does not say which commit it is', why: 'nothing to compare' },
      ]
    }
    const [evidence, out] = [join(folder, 'evidence'), join(folder, 'out')]
    mkdirSync(evidence)
    writeEvidence(opened, evidence)
    const { commit, committedAt } = manifest
    const source = resolve(values.source ?? ROOT)
    const bundle = values['offline-bundle']
    const offline = bundle === undefined ? {} : { offlineBundle: resolve(bundle) }
    const { isProven } = rebuild({ source, commit, committedAt, out, evidence, ...offline })
    say(`source    ${isProven ? 'git' : 'the folder, on its owner’s word,'} has commit ${commit}`)
    const built = readFileSync(join(out, sameKind(opened, readdirSync(out))))
    return judgeRebuild(opened, openArtefact(built), { shipped: bytes, built })
  })

const verify = (artefact: string): number => {
  const bytes = readFileSync(artefact)
  const opened = openArtefact(bytes)
  const seen = values.seen === undefined ? undefined : readFileSync(values.seen, 'utf8')
  const { release, findings } = judgeRelease(opened, believed(), seen)
  if (release !== undefined) {
    const { signer, manifest, logSize } = release
    say(`release   keyrealm ${manifest.version} for ${manifest.platform}`)
    say(`signed    by ${signer.name}: Ed25519 and ML-DSA-65`)
    say(`logged    as the newest of ${logSize} in the log of ${signer.name}`)
  }
  // Whatever is wrong with the signed files themselves comes first.
  const packed = () =>
    release === undefined || findings.length > 0
      ? []
      : judgePacking(opened, release.manifest, bytes)
  const compared = values['no-rebuild'] ? packed() : compareWithSource(bytes, opened)
  const all = [...findings, ...compared]
  for (const { at, says, why } of all) say(`\n${at}\n  ${says}\n  It matters: ${why}.`)
  if (all.length === 0 && !values['no-rebuild']) {
    say(
      'identical the source makes this artefact, to the last byte; only the signatures are brought',
    )
  }
  say(all.length === 0 ? 'GOOD' : `\nNOT GOOD: ${all.length} findings`)
  return all.length === 0 ? 0 : 1
}

const main = (): number => {
  const [artefact] = positionals
  if (values.help || artefact === undefined || positionals.length > 1) {
    console.error(USAGE)
    return values.help ? 0 : 2
  }
  return verify(artefact)
}

try {
  process.exitCode = main()
} catch (error) {
  console.error(`verify-release: ${error instanceof Error ? error.message : 'failed'}`)
  process.exitCode = 1
}
