import * as fc from 'fast-check';
import { doOverlap, NOTIFICATION_EVENTS } from './notification-rules';
import type { NotificationEvent, NotificationRule } from './notification-rules';
import { OutboxFixture } from './outbox.fixture';

jest.setTimeout(60_000);

/** Few letters, so that things meet. */
const part = fc.string({ unit: fc.constantFrom('a', 'b', '/', '%', '_', 'ü'), maxLength: 3 });
const rule = fc.record({
  id: fc.constant('id'),
  element: fc.constant('QueueConfiguration' as const),
  arn: fc.constant(''),
  events: fc.uniqueArray(fc.constantFrom(...NOTIFICATION_EVENTS), { minLength: 1, maxLength: 3 }),
  prefix: fc.option(part, { nil: undefined }),
  suffix: fc.option(part, { nil: undefined }),
});

/** As the documentation says it. */
function goesBy({ events, prefix = '', suffix = '' }: NotificationRule, event: string, key: string): boolean {
  const isOfEvent = events.some((other) => other === event || other === `${event.split(':')[0] ?? ''}:*`);
  return isOfEvent && key.startsWith(prefix) && key.endsWith(suffix);
}

describe('rules of notifications', () => {
  it.each<[string, Partial<NotificationRule>, Partial<NotificationRule>, boolean]>([
    ['the same event and no filter', {}, {}, true],
    ['different events', { events: ['ObjectCreated:Put'] }, { events: ['ObjectCreated:Copy'] }, false],
    ['an event and all of its kind', { events: ['ObjectCreated:Put'] }, { events: ['ObjectCreated:*'] }, true],
    ['prefixes apart', { prefix: 'a/' }, { prefix: 'b/' }, false],
    ['a prefix in a prefix', { prefix: 'a/' }, { prefix: 'a/b/' }, true],
    ['the same prefix, suffixes apart', { prefix: 'a/', suffix: '.jpg' }, { prefix: 'a/', suffix: '.png' }, false],
    ['a prefix, and a suffix', { prefix: 'a/' }, { suffix: '.png' }, true],
  ])('overlap or not: %s', (_what, a, b, isOverlapping) => {
    const whole = (some: Partial<NotificationRule>): NotificationRule => ({
      id: '',
      element: 'QueueConfiguration',
      arn: '',
      events: ['ObjectCreated:*'],
      prefix: undefined,
      suffix: undefined,
      ...some,
    });
    expect(doOverlap(whole(a), whole(b))).toBe(isOverlapping);
    expect(doOverlap(whole(b), whole(a))).toBe(isOverlapping);
  });

  it('that do not overlap have no key and event in common', () => {
    fc.assert(
      fc.property(rule, rule, part, part, part, (a, b, start, middle, end) => {
        fc.pre(!doOverlap(a, b));
        const keys = [
          start + middle + end,
          (a.prefix ?? '') + middle + (b.suffix ?? ''),
          (b.prefix ?? '') + (a.suffix ?? ''),
        ];
        for (const event of NOTIFICATION_EVENTS.filter((name) => !name.endsWith('*'))) {
          for (const key of keys) expect(goesBy(a, event, key) && goesBy(b, event, key)).toBe(false);
        }
      }),
    );
  });

  it('hold in PostgreSQL as they are written', async () => {
    const outbox = await OutboxFixture.open();
    try {
      const targetId = await outbox.target({ kind: 'redis', url: 'redis://192.0.2.1', stream: 's' });
      const events: NotificationEvent[] = ['ObjectCreated:Put', 'ObjectRemoved:Delete', 'ObjectTagging:Put'];
      await fc.assert(
        fc.asyncProperty(rule, fc.array(part, { minLength: 3, maxLength: 5 }), async (tried, parts) => {
          const { id } = await outbox.container([{ ...tried, targetId }]);
          const keys = [
            parts.join(''),
            (tried.prefix ?? '') + parts.join('') + (tried.suffix ?? ''),
            tried.prefix ?? 'x',
          ];
          const changes = keys.flatMap((key) => events.map((event) => ({ key, event })));
          await outbox.pool.query(
            `SELECT vaultaire_emit($1, c.key, c.event, 0, NULL, 1, false, NULL)
             FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS c (key, event, place) ORDER BY c.place`,
            [id, changes.map(({ key }) => key), changes.map(({ event }) => event)],
          );
          const { rows } = await outbox.pool.query<{ key: string; event: string }>(
            `SELECT key, event FROM notification_outbox WHERE container_id = $1 AND event <> 'TestEvent' ORDER BY id`,
            [id],
          );
          expect(rows).toEqual(changes.filter(({ key, event }) => goesBy(tried, event, key)));
        }),
        { numRuns: 25 },
      );
    } finally {
      await outbox.close();
    }
  });
});
