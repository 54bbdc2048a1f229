// Preloaded into a realm whose memory is weighed (`node --expose-gc --import`): on SIGUSR2 it collects garbage and says
// on standard output what is still alive. It changes nothing else of the realm.
process.on('SIGUSR2', () => {
  // Twice: what the first collection finalises, the second one frees.
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  console.log(`collected ${JSON.stringify({ liveBytes: heapUsed + external })}`)
})
