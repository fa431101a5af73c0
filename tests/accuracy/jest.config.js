import base from '../../jest.config.js'

// The short form of the accuracy that docs/accuracy.md publishes: `npm run test:accuracy`. It takes most of a minute.
export default {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/tests/accuracy/**/*.suite.ts'],
  testTimeout: 240_000,
  verbose: true,
}
