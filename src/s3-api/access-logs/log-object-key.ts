import { randomBytes } from 'node:crypto';
import type { LogKeyFormat } from './access-log-settings';

export interface LogObject {
  readonly prefix: string;
  readonly format: LogKeyFormat;
  /** Twelve digits that stand for the tenant. */
  readonly account: string;
  readonly region: string;
  readonly bucket: string;
  /** Of the requests; only the day counts. */
  readonly eventTime: Date;
  readonly deliveryTime: Date;
}

/**
 * `[prefix]YYYY-MM-DD-hh-mm-ss-[16 characters]`, or with a partitioned format
 * `[prefix][account]/[region]/[bucket]/YYYY/MM/DD/YYYY-MM-DD-hh-mm-ss-[16 characters]`. By event time, the day is that of the requests,
 * and its hours, minutes and seconds are zero.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html#server-log-keyname-format
 */
export function logObjectKey(object: LogObject): string {
  const isByEvent = object.format === 'by-event-time';
  const [date = '', clock = ''] = (isByEvent ? object.eventTime : object.deliveryTime).toISOString().split('T');
  const name = `${date}-${isByEvent ? '00-00-00' : clock.slice(0, 8).replaceAll(':', '-')}-${unique()}`;
  if (object.format === 'simple') return object.prefix + name;
  return `${object.prefix}${object.account}/${object.region}/${object.bucket}/${date.replaceAll('-', '/')}/${name}`;
}

function unique(): string {
  return randomBytes(8).toString('hex').toUpperCase();
}
