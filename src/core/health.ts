// Plain HTTP for probes and Prometheus: alive, ready, metrics. Meant for loopback; it tells no names.

import { createServer, type Server } from 'node:http'
import type { Metrics } from '../runtime/index.ts'

export interface HealthRules {
  readonly metrics: Metrics
  readonly isReady: () => boolean
}

export const createHealthServer = ({ metrics, isReady }: HealthRules): Server => {
  const server = createServer(
    { headersTimeout: 5000, requestTimeout: 5000 },
    (request, response) => {
      const json = { 'content-type': 'application/json' }
      if (request.method !== 'GET') return response.writeHead(405).end()
      if (request.url === '/healthz') return response.writeHead(200, json).end('{"status":"live"}')
      if (request.url === '/readyz') {
        const status = isReady() ? 'ready' : 'not-ready'
        return response.writeHead(isReady() ? 200 : 503, json).end(JSON.stringify({ status }))
      }
      if (request.url !== '/metrics') return response.writeHead(404).end()
      metrics.text().then(
        ({ contentType, body }) =>
          response.writeHead(200, { 'content-type': contentType }).end(body),
        () => response.writeHead(500).end(),
      )
      return response
    },
  )
  server.maxConnections = 100
  return server
}
