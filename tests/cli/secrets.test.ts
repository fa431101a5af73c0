import { describe, expect, it } from '@jest/globals'
import { traceRequest } from '../support/otlp-builder.ts'
import { Program } from '../support/program.ts'

/** Nothing listens on port 9. Every place where a configuration may hold a secret holds one. */
const CONFIG = `
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } }
exporters:
  otlp_grpc:
    endpoint: 127.0.0.1:9
    tls: { insecure: true }
    headers: { authorization: "Bearer \${env:TOKEN}" }
    retry_on_failure: { initial_interval: 10ms, max_interval: 20ms, max_elapsed_time: 50ms }
  otlp_http:
    endpoint: http://user:hush-2@127.0.0.1:9
    headers: { x-api-key: hush-3 }
    retry_on_failure: { initial_interval: 10ms, max_interval: 20ms, max_elapsed_time: 50ms }
  debug: { verbosity: detailed }
service:
  shutdown_timeout: 500ms
  telemetry:
    logs: { level: debug, encoding: ENCODING }
    metrics:
      readers:
        - periodic:
            interval: 50
            exporter:
              otlp: { endpoint: "http://user:hush-4@127.0.0.1:9", headers: { authorization: hush-5 }, headers_list: "a=hush-6" }
  pipelines:
    traces: { receivers: [otlp], exporters: [otlp_grpc, otlp_http, debug] }
`

describe('the secrets of a configuration', () => {
  it.each(['console', 'json'])('are in no line that the gateway writes (%s)', async (encoding) => {
    const gateway = new Program(['run', '--config', 'env:CONFIG'], {
      env: { CONFIG: CONFIG.replace('ENCODING', encoding), TOKEN: 'hush-0' },
    })
    const output = await gateway.said(/is running|"started"/)
    const [, address] = /(?:HTTP to |"address":")(127\.0\.0\.1:\d+)/.exec(output)!
    const response = await fetch(`http://${address}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: Buffer.from(traceRequest([{ service: 'shop', spans: [{}] }])),
    })
    expect(response.status).toBe(200)
    await gateway.said(/otlp_grpc.*(drop|lost|given up|gave up|giving up)/is)
    expect(await gateway.stop()).toBe(0)
    expect(gateway.output).toContain('127.0.0.1:9')
    expect(gateway.output.match(/hush-\d/g)).toBeNull()
  })
})
