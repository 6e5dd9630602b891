import 'reflect-metadata';
import { COMMANDS } from './cli/commands';
import { runCli } from './cli/run-cli';
import { Environment } from './config/environment';

void runCli(process.argv.slice(2), COMMANDS, () => Environment.load(), {
  out: (text) => process.stdout.write(`${text}\n`),
  err: (text) => process.stderr.write(`${text}\n`),
}).then((exitCode) => {
  process.exitCode = exitCode;
});
