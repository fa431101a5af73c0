// jest runs the TypeScript as it is: Node 24 strips the types, so there is no transform to configure.
export default {
  testMatch: ['<rootDir>/tests/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {},
  testTimeout: 30_000,
  reporters: ['default', '<rootDir>/tests/support/tally-reporter.js'],
}
