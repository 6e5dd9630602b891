#!/usr/bin/env node
import { existsSync } from 'node:fs';

// Not the compiled file itself: a compiler gives it no right to be executed.
const program = new URL('../dist/src/cli.js', import.meta.url);

if (existsSync(program)) {
  await import(program.href);
} else {
  console.error('Vaultaire is not compiled yet: npm run build');
  process.exitCode = 1;
}
