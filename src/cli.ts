import 'reflect-metadata';
import { COMMANDS } from './cli/commands';
import { runCli } from './cli/run-cli';
import { loadClientEnvironment } from './config/environment';

// A reader that has seen enough, for example `head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

void runCli(process.argv.slice(2), COMMANDS, loadClientEnvironment(), {
  out: (text) => process.stdout.write(`${text}\n`),
  err: (text) => process.stderr.write(`${text}\n`),
  isTerminal: process.stdout.isTTY,
}).then((exitCode) => {
  process.exitCode = exitCode;
});
