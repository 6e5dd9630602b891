import { until } from '../support/until';
import { CrashSuite } from './crash-suite';
import type { InFlight, Operation, Outcome, Prepared } from './operations';
import { OPERATIONS } from './operations';

interface Candidate {
  readonly operation: Operation;
  readonly prepared: Prepared;
}

/** What a client may find once the gateway is back, and what happens in between. */
interface Approached {
  allowed(operation: Operation): readonly Outcome[];
  readonly afterKill?: () => Promise<void>;
  readonly afterStart?: () => Promise<void>;
}

/** Takes operations, all at once, to the moment of the kill. */
type Approach = (suite: CrashSuite, candidates: readonly Candidate[]) => Promise<Approached>;

const undone: Approached = { allowed: () => ['before'] };

const MOMENTS: readonly (readonly [string, Approach])[] = [
  [
    'before the first byte',
    async (suite, candidates) => {
      await Promise.all(candidates.filter(hasBody).map(({ prepared }) => prepared.begin()));
      const onDriver = candidates.filter(isForDriver).length;
      await until('the writes are known', async () => (await suite.state.blobs('writing')).length === onDriver);
      return undone;
    },
  ],
  [
    'in the middle of the bytes',
    async (suite, candidates) => {
      await Promise.all(candidates.filter(hasBody).map(async ({ prepared }) => (await prepared.begin()).sendHalf()));
      const onDriver = candidates.filter(isForDriver).length;
      await until('bytes arrive', () => suite.state.files().filter(isPartial).length === onDriver);
      return undone;
    },
  ],
  [
    'while the commit waits in PostgreSQL, which goes on with it',
    async (suite, candidates) => {
      const release = await toCommits(suite, candidates);
      return {
        allowed: () => ['before', 'after'],
        afterKill: async () => {
          await release();
          await suite.untilCommitted();
        },
      };
    },
  ],
  [
    'while the commit waits in PostgreSQL, and is overtaken by the sweeper',
    async (suite, candidates) => {
      const release = await toCommits(suite, candidates);
      return {
        allowed: (operation) => (operation.driverBytes > 0 ? ['before'] : ['before', 'after']),
        afterStart: async () => {
          await until('the blobs are given up', async () => (await suite.state.blobs('writing')).length === 0);
          await release();
          await suite.untilCommitted();
        },
      };
    },
  ],
  [
    'after the commit, before the answer',
    async (suite, candidates) => {
      const release = await toCommits(suite, candidates);
      // Frozen, the gateway can't take the results of the commits from PostgreSQL, much less pass them on.
      process.kill(-suite.vaultaire.pid, 'SIGSTOP');
      await release();
      await suite.untilCommitted();
      return { allowed: () => ['after'] };
    },
  ],
  [
    'after the answer',
    async (_suite, candidates) => {
      const requests = await beginAll(candidates);
      for (const request of requests) expect(await request.status).toBe(200);
      return { allowed: () => ['after'] };
    },
  ],
];

const hasBody = ({ operation }: Candidate): boolean => operation.hasBody;
const isForDriver = ({ operation }: Candidate): boolean => operation.driverBytes > 0;
const isPartial = (fileName: string): boolean => fileName.endsWith('.partial');

/** Sends everything, up to commits that wait until the returned function is called. */
async function toCommits(suite: CrashSuite, candidates: readonly Candidate[]): Promise<() => Promise<void>> {
  const release = await suite.hold(candidates.map(({ prepared }) => prepared.lock));
  await beginAll(candidates);
  await suite.untilCommitsWait(candidates.length);
  return release;
}

function beginAll(candidates: readonly Candidate[]): Promise<InFlight[]> {
  return Promise.all(
    candidates.map(async ({ prepared }) => {
      const request = await prepared.begin();
      await request.sendHalf();
      request.sendRest();
      return request;
    }),
  );
}

describe.each([
  ['of two workers, on a PostgreSQL of its own', 2, 'fresh'],
  ['of one process, on the embedded PostgreSQL', 1, 'embedded'],
] as const)('a gateway %s whose processes are all killed', (_what, workers, database) => {
  let suite: CrashSuite;

  beforeAll(async () => {
    suite = await CrashSuite.start({ workers, database });
  }, 60_000);

  afterAll(async () => {
    await suite.stop();
  }, 60_000);

  it.each(MOMENTS)(
    'has done each write whole or not at all, %s',
    async (moment, approach) => {
      const candidates: Candidate[] = [];
      for (const operation of OPERATIONS) {
        candidates.push({ operation, prepared: await operation.prepare(suite, `${operation.name}, ${moment}`) });
      }
      const { allowed, afterKill, afterStart } = await approach(suite, candidates);
      await suite.vaultaire.kill9();
      await afterKill?.();
      await suite.startAgain();
      await afterStart?.();
      for (const { operation, prepared } of candidates) {
        const outcome = await prepared.outcome();
        if (!allowed(operation).includes(outcome)) throw new Error(`${operation.name} is as ${outcome} it`);
      }
      expect(await suite.state.violations()).toEqual([]);
      for (const { prepared } of candidates) await prepared.retry();
    },
    60_000,
  );

  it('leaves nothing behind for long', async () => {
    await suite.untilClean();
  }, 60_000);
});
