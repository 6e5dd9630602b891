import { setTimeout } from 'node:timers/promises';

const POLL_MS = 20;

/** Asks again and again until `isReached` says so. Rejects after `timeoutMs` with what was waited for. */
export async function until(
  what: string,
  isReached: () => boolean | Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isReached())) {
    if (Date.now() > deadline) throw new Error(`Waited ${String(timeoutMs)} ms in vain until ${what}`);
    await setTimeout(POLL_MS);
  }
}
