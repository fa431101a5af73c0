import { Writable } from 'node:stream'
import { describe, expect, it } from '@jest/globals'
import { createLogger, type LogOptions } from '../../telemetry/pino-logger.ts'

/** A logger and what it wrote. */
function logged(options: Omit<LogOptions, 'destination'>) {
  let text = ''
  const destination = new Writable({
    write(chunk, _encoding, done) {
      text += chunk
      done()
    },
  })
  const logger = createLogger({ ...options, destination })
  return { logger, lines: () => text.split('\n').filter((line) => line !== '') }
}

describe('the log', () => {
  it('is a JSON object a line for machines, with the time, who speaks, and the fields of the configuration', () => {
    const { logger, lines } = logged({ level: 'info', encoding: 'json', initialFields: { region: 'eu' } })
    logger.child({ component: 'otlp_grpc', kind: 'exporter' }).warn('the destination is away', { tries: 3 })
    expect(lines().map((line) => JSON.parse(line))).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        region: 'eu',
        component: 'otlp_grpc',
        kind: 'exporter',
        tries: 3,
        msg: 'the destination is away',
      },
    ])
  })

  it('is a plain line for people, which begins with who speaks', () => {
    const { logger, lines } = logged({ level: 'info', encoding: 'console' })
    logger.info('started')
    logger.child({ component: 'batch', pipeline: 'traces' }).error('it failed')
    expect(lines()).toEqual([
      expect.stringMatching(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: started$/),
      expect.stringMatching(/^\[.*\] ERROR: batch in traces: it failed$/),
    ])
  })

  it.each([
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
  ] as const)('at level %s has %j', (level, expected) => {
    const { logger, lines } = logged({ level, encoding: 'json' })
    for (const each of ['debug', 'info', 'warn', 'error'] as const) logger[each]('something')
    expect(lines().map((line) => JSON.parse(line).level)).toEqual(expected)
  })

  it('keeps why something failed, and why that did', () => {
    const { logger, lines } = logged({ level: 'info', encoding: 'json' })
    logger.error('not sent', { error: new Error('refused', { cause: new Error('connection reset') }) })
    const { error } = JSON.parse(lines()[0]!)
    expect(error).toMatchObject({ message: expect.stringMatching(/refused.*connection reset/) })
  })
})
