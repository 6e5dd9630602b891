import { logObjectKey } from './log-object-key';
import type { LogObject } from './log-object-key';

const OBJECT: LogObject = {
  prefix: 'logs/',
  format: 'simple',
  account: '123456789012',
  region: 'eu-west-1',
  bucket: 'photos',
  eventTime: new Date('2030-01-31T23:59:58Z'),
  deliveryTime: new Date('2030-02-01T00:00:07Z'),
};

it.each([
  ['simple', /^logs\/2030-02-01-00-00-07-[0-9A-F]{16}$/],
  ['by-delivery-time', /^logs\/123456789012\/eu-west-1\/photos\/2030\/02\/01\/2030-02-01-00-00-07-[0-9A-F]{16}$/],
  ['by-event-time', /^logs\/123456789012\/eu-west-1\/photos\/2030\/01\/31\/2030-01-31-00-00-00-[0-9A-F]{16}$/],
] as const)('names a log object %s', (format, expected) => {
  expect(logObjectKey({ ...OBJECT, format })).toMatch(expected);
});
