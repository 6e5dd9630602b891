import { runGateway } from './bootstrap/start-up';

void runGateway().then((exitCode) => {
  process.exit(exitCode);
});
