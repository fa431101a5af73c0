import base from '../../jest.config.js'

// A million mutated requests for the readers of the wire: `npm run test:fuzz`. It takes most of a minute.
export default {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/tests/fuzz/**/*.suite.ts'],
  // A reader that hangs ends here.
  testTimeout: 120_000,
  verbose: true,
}
