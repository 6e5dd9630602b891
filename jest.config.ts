import type { Config } from 'jest';

/** NestJS 12 and a few others are published as ES modules only; jest's module registry wants CommonJS. */
const ES_MODULE_PACKAGES = ['@apidevtools', '@nestjs', 'cockatiel', 'hyparquet', 'hyparquet-writer', 'uuid'];

const config: Config = {
  testEnvironment: 'node',
  // Most specs wait for a gateway that they started: on two cores, one at a time leaves them idle.
  maxWorkers: 2,
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testMatch: ['<rootDir>/src/**/*.spec.ts', '<rootDir>/test/**/*.spec.ts'],
  transform: { '^.+\\.[cm]?[jt]s$': '@swc/jest' },
  transformIgnorePatterns: [`/node_modules/(?!(${ES_MODULE_PACKAGES.join('|')})/)`],
  setupFiles: ['reflect-metadata'],
  globalSetup: '<rootDir>/test/support/jest-global-setup.ts',
  globalTeardown: '<rootDir>/test/support/jest-global-teardown.ts',
};

export default config;
