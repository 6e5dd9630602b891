import eslint from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import prettier from 'eslint-config-prettier';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/**
 * Which rooms of `src` a room may not import. Arrows go one way: `s3-api -> engine -> drivers`; `tenant` answers who is asking;
 * `events`, `metrics` and `billing` observe; nothing imports `billing`. `app.module.ts` and the start-up stand above the rooms.
 */
const FORBIDDEN_IMPORTS = [
  {
    room: 's3-api',
    from: ['drivers'],
    // The edge translates what went wrong in a driver, and knows nothing else of drivers.
    except: ['./driver.errors.ts'],
    why: 'S3 handlers talk to the engine, never to a driver.',
  },
  {
    room: 'engine',
    from: ['s3-api', 'events', 'metrics', 'admin-api'],
    why: 'The engine knows neither S3 nor its observers.',
  },
  {
    room: 'drivers',
    from: ['s3-api', 'engine', 'tenant', 'events', 'admin-api'],
    why: 'A driver knows bytes under keys and nothing above.',
  },
  {
    room: 'tenant',
    from: ['s3-api', 'engine', 'drivers', 'events'],
    why: 'Tenants answer who is asking and know nothing else.',
  },
  { room: 'events', from: ['engine', 'drivers'], why: 'The event log observes requests.' },
  { room: 'metrics', from: ['engine'], why: 'Metrics observe requests and drivers.' },
  {
    room: 'context',
    from: ['s3-api', 'engine', 'drivers', 'tenant', 'events', 'metrics', 'health', 'admin-api', 'database', 'config'],
    why: 'The context is what every room shares.',
  },
  {
    room: 'config',
    from: ['s3-api', 'engine', 'drivers', 'tenant', 'events', 'metrics', 'health', 'admin-api', 'database'],
    why: 'Configuration is read by all rooms and reads none.',
  },
];

const zones = [
  ...FORBIDDEN_IMPORTS.flatMap(({ room, from, except = [], why }) =>
    from.map((other) => ({ target: `./src/${room}`, from: `./src/${other}`, except, message: why })),
  ),
  { target: './src/!(billing)/**/*', from: './src/billing', message: 'Nothing imports billing.' },
];

export default defineConfig(
  globalIgnores(['dist/', 'data/', 'coverage/']),
  eslint.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js', '.mjs', '.json'] })],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
    },
    rules: {
      // Classes that Nest injects stay value imports: the rule sees emitDecoratorMetadata in tsconfig.json.
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { prefer: 'type-imports', fixStyle: 'inline-type-imports' },
      ],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // Nest modules are classes with nothing but a decorator.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Nest declares some of its option bags as classes.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // Methods that await nothing still promise, where a contract says so.
      '@typescript-eslint/require-await': 'off',
      // `||` differs from `??` on purpose for empty strings.
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: { string: true } }],
      'import-x/no-default-export': 'error',
      'import-x/no-restricted-paths': ['error', { zones }],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'src/config/environment.ts is the only reader of process.env.' },
      ],
      eqeqeq: 'error',
    },
  },
  {
    files: ['**/*.spec.ts', 'test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
      'no-restricted-properties': 'off',
    },
  },
  {
    files: ['src/config/environment.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    // Jest and TypeORM's command line take a default export.
    files: ['jest.config.ts', 'ormconfig.ts', 'test/support/jest-*.ts'],
    rules: { 'import-x/no-default-export': 'off' },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', Buffer: 'readonly', URL: 'readonly' } },
  },
  prettier,
);
