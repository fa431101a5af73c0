import base from '../../jest.config.js'

// The tests that start Go services: `npm run test:fleet`. Each run of the fleet takes its time, and all share the ports.
export default {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/tests/fleet/**/*.suite.ts'],
  testTimeout: 120_000,
  maxWorkers: 1,
  verbose: true,
}
