import { createHash, randomBytes } from 'node:crypto';
import { sleep } from './backoff';
import { DriverError } from './driver.errors';
import { S3_PROFILES } from './s3/profiles';
import type { S3Profile, S3ProfileName, S3Settings } from './s3/profiles';
import { S3Client } from './s3/s3-client';
import type { SendOptions } from './s3/s3-client';
import { S3Objects, textOf } from './s3/s3-objects';

/** One thing that was tried on a backend. */
export interface ProbeStep {
  readonly name: string;
  readonly outcome: 'works' | 'differs' | 'fails';
  /** What was seen, for people. */
  readonly detail: string;
  readonly latencyMs: number;
}

/** What a probe can find out of a profile. */
export type ProbedQuirks = Pick<
  S3Profile,
  'hasMultipart' | 'hasListV2' | 'trustsETag' | 'hasConditionalWrites' | 'checksum'
>;

export interface ProbeReport {
  readonly driver: string;
  readonly endpoint: string;
  /** Blobs can be written, read back whole and in ranges, listed and deleted. */
  readonly isUsable: boolean;
  readonly steps: readonly ProbeStep[];
  /** Undefined when not even a PUT works, or time ran out. */
  readonly quirks: ProbedQuirks | undefined;
  /** CopyObject works. */
  readonly canCopy: boolean;
  /** Where the configuration expects more of the backend than it does, or less: field, configured and seen value. */
  readonly differences: readonly { readonly field: string; readonly configured: unknown; readonly seen: unknown }[];
  /** The profile whose quirks are closest, the configured one where several are. */
  readonly bestProfile: S3ProfileName | undefined;
}

/** An abort waits so long for the answer to a request that was sent, so that what it made is there to be removed. */
const GRACE_MS = 2_000;
const CLEAN_UP_MS = 10_000;
const PART_BYTES = 5 * 1024 * 1024;
const SMALL_BYTES = 4096;

/**
 * Tries an S3 backend out with objects of its own below `<keyPrefix>probe/`, and removes them. What does not work is in the
 * report and no rejection; when `signal` aborts, so is what was tried until then. The end can be 15 s later than that: what was made is
 * still removed.
 */
export async function probeDriver(settings: S3Settings, signal: AbortSignal): Promise<ProbeReport> {
  const client = new S3Client(settings);
  try {
    return await new Probe(new S3Objects(client), signal).run();
  } finally {
    await client.close();
  }
}

class Probe {
  private readonly steps: ProbeStep[] = [];
  private readonly prefix: string;
  private readonly key: string;
  private readonly body = randomBytes(SMALL_BYTES);

  constructor(
    private readonly objects: S3Objects,
    private readonly signal: AbortSignal,
  ) {
    this.prefix = `${this.settings.keyPrefix}probe/${randomBytes(8).toString('hex')}/`;
    this.key = `${this.prefix}object`;
  }

  async run(): Promise<ProbeReport> {
    let quirks: ProbedQuirks | undefined;
    let canCopy = false;
    let isUsable = false;
    try {
      if (await this.step('write', () => this.write())) {
        const canRead = await this.step('read', () => this.read());
        const hasRanges = await this.step('range read', () => this.readRange());
        const trustsETag = await this.step('ETag is the MD5', () => this.compareETag());
        const hasListV2 = await this.step('list, version 2', () => this.list({ 'list-type': '2' }));
        const hasListV1 = await this.step('list, version 1', () => this.list({}));
        const hasConditionalWrites = await this.step('If-None-Match: *', () => this.writeAgain());
        const hasChecksums = await this.step('CRC32 is verified', () => this.refuseDigest('x-amz-checksum-crc32'));
        const hasMd5 = await this.step('Content-MD5 is verified', () => this.refuseDigest('content-md5'));
        const hasMultipart = await this.step('multipart upload', () => this.multipart());
        canCopy = await this.step('copy', () => this.copy());
        const canDelete = await this.step('delete', () => this.remove());
        const checksum = hasChecksums ? 'crc32' : hasMd5 ? 'md5' : 'none';
        quirks = { hasMultipart, hasListV2, trustsETag, hasConditionalWrites, checksum };
        isUsable = canRead && hasRanges && (hasListV2 || hasListV1) && canDelete;
      }
    } catch (error) {
      if (!this.signal.aborted) throw error;
    } finally {
      await this.cleanUp();
    }
    const { name, endpoint } = this.settings;
    return {
      driver: name,
      endpoint,
      isUsable,
      steps: this.steps,
      quirks,
      canCopy,
      differences: quirks === undefined ? [] : this.differencesFrom(quirks),
      bestProfile: quirks === undefined ? undefined : closestProfile(quirks, this.settings),
    };
  }

  /** True when `attempt` resolves to no objection. */
  private async step(name: string, attempt: () => Promise<string | undefined>): Promise<boolean> {
    const startedAtMs = performance.now();
    const report = (outcome: ProbeStep['outcome'], detail: string): void => {
      this.steps.push({ name, outcome, detail, latencyMs: performance.now() - startedAtMs });
    };
    try {
      const objection = await attempt();
      report(objection === undefined ? 'works' : 'differs', objection ?? '');
      return objection === undefined;
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      report('fails', this.signal.aborted ? 'no time was left' : `${error.kind}: ${error.message}`);
      if (this.signal.aborted) throw error;
      return false;
    }
  }

  private async write(): Promise<undefined> {
    await this.put(this.key, this.body);
  }

  private async read(): Promise<string | undefined> {
    const { body } = await this.objects.client.send({ method: 'GET', objectKey: this.key }, this.options);
    return body.equals(this.body) ? undefined : 'other bytes came back';
  }

  private async readRange(): Promise<string | undefined> {
    const headers = { range: 'bytes=10-19' };
    const answer = await this.objects.client.send({ method: 'GET', objectKey: this.key, headers }, this.options);
    if (answer.status !== 206) return `a range is answered with status ${String(answer.status)}`;
    return answer.body.equals(this.body.subarray(10, 20)) ? undefined : 'another range came back';
  }

  private async compareETag(): Promise<string | undefined> {
    const { headers } = await this.objects.client.send({ method: 'HEAD', objectKey: this.key }, this.options);
    const etag = textOf(headers.etag)?.replaceAll('"', '');
    return etag === createHash('md5').update(this.body).digest('hex') ? undefined : 'it is something else';
  }

  private async list(version: Readonly<Record<string, string>>): Promise<string | undefined> {
    const query = { prefix: this.prefix, ...version };
    const { body } = await this.objects.client.send({ method: 'GET', objectKey: undefined, query }, this.options);
    const text = body.toString();
    const isWhole = text.includes(`<Key>${this.key}</Key>`) && text.includes('</ListBucketResult>');
    return isWhole ? undefined : 'the listing lacks the object, or is broken';
  }

  private async writeAgain(): Promise<string | undefined> {
    try {
      await this.put(this.key, this.body, { 'if-none-match': '*' });
    } catch (error) {
      if (error instanceof DriverError && error.kind === 'AlreadyExists') return undefined;
      throw error;
    }
    return 'it is ignored';
  }

  /** A body with a wrong digest must be refused. */
  private async refuseDigest(header: 'x-amz-checksum-crc32' | 'content-md5'): Promise<string | undefined> {
    const wrong = Buffer.alloc(header === 'content-md5' ? 16 : 4).toString('base64');
    try {
      await this.put(`${this.prefix}digest`, this.body, { [header]: wrong });
    } catch (error) {
      const isRefused = error instanceof DriverError && /BadDigest|ChecksumMismatch|InvalidDigest/.test(error.message);
      if (isRefused) return undefined;
      throw error;
    }
    return 'other bytes than the digest says are accepted';
  }

  private async multipart(): Promise<string | undefined> {
    const objectKey = `${this.prefix}multipart`;
    const uploadId = await this.objects.createUpload(objectKey, 'probe', this.options);
    try {
      const etags: string[] = [];
      for (const [index, body] of [Buffer.alloc(PART_BYTES, 1), this.body].entries()) {
        const query = { partNumber: String(index + 1), uploadId };
        const answer = await this.objects.client.upload({ method: 'PUT', objectKey, query, body }, this.options);
        etags.push(textOf(answer.headers.etag) ?? '');
      }
      await this.objects.completeUpload(objectKey, uploadId, etags, this.options);
    } catch (error) {
      const signal = AbortSignal.timeout(CLEAN_UP_MS);
      await this.objects.abortUpload(objectKey, uploadId, signal).catch(() => undefined);
      throw error;
    }
    const { sizeBytes } = await this.objects.head(objectKey, this.signal);
    return sizeBytes === PART_BYTES + SMALL_BYTES ? undefined : 'the object has another length than its parts';
  }

  private async copy(): Promise<string | undefined> {
    const objectKey = `${this.prefix}copy`;
    const source = encodeURI(`/${this.settings.bucket}/${this.key}`);
    await this.objects.client.send(
      { method: 'PUT', objectKey, headers: { 'x-amz-copy-source': source } },
      this.options,
    );
    const { sizeBytes } = await this.objects.head(objectKey, this.signal);
    return sizeBytes === SMALL_BYTES ? undefined : 'the copy has another length';
  }

  private async remove(): Promise<string | undefined> {
    await this.objects.delete(this.key, this.signal);
    await this.objects.delete(this.key, this.signal);
    try {
      await this.objects.head(this.key, this.signal);
    } catch (error) {
      if (error instanceof DriverError && error.kind === 'NotFound') return undefined;
      throw error;
    }
    return 'the object is still there';
  }

  private async cleanUp(): Promise<void> {
    const signal = AbortSignal.timeout(CLEAN_UP_MS);
    const names = ['object', 'digest', 'multipart', 'copy'];
    await Promise.allSettled(names.map((name) => this.objects.delete(this.prefix + name, signal)));
  }

  /** A throttled probe says nothing, so it waits and tries again. */
  private async put(objectKey: string, body: Buffer, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.objects.client.send({ method: 'PUT', objectKey, headers, body }, this.options);
        return;
      } catch (error) {
        const isThrottled = error instanceof DriverError && error.kind === 'RateLimited';
        if (!isThrottled || attempt === 3) throw error;
        await sleep(Math.min(5, error.retryAfterSeconds ?? attempt) * 1000, this.signal);
      }
    }
  }

  private differencesFrom(quirks: ProbedQuirks): ProbeReport['differences'] {
    const fields = ['hasMultipart', 'hasListV2', 'trustsETag', 'hasConditionalWrites', 'checksum'] as const;
    return fields
      .filter((field) => this.settings[field] !== quirks[field])
      .map((field) => ({ field, configured: this.settings[field], seen: quirks[field] }));
  }

  private get options(): SendOptions {
    return { signal: this.signal, graceMs: GRACE_MS };
  }

  private get settings(): S3Settings {
    return this.objects.client.settings;
  }
}

/**
 * The profile that differs least from what was seen. What a profile relies on and the backend lacks weighs more than what the
 * backend has beyond it; addressing and region are the configuration's.
 */
function closestProfile(quirks: ProbedQuirks, settings: S3Settings): S3ProfileName {
  const names = Object.keys(S3_PROFILES).filter((name): name is S3ProfileName => name in S3_PROFILES);
  const scored = names.map((name) => {
    const profile: S3Profile = S3_PROFILES[name];
    const flags = ['hasMultipart', 'hasListV2', 'trustsETag', 'hasConditionalWrites'] as const;
    let distance = 0;
    for (const flag of flags) if (profile[flag] !== quirks[flag]) distance += profile[flag] ? 3 : 1;
    if (profile.checksum !== quirks.checksum)
      distance += profile.checksum === 'none' || quirks.checksum === 'crc32' ? 1 : 2;
    // An endpoint of the profile's own says more than any behaviour.
    const host = profile.endpoint?.replace('{region}', settings.region);
    if (host === settings.endpoint) distance -= 10;
    return { name, distance };
  });
  return scored.reduce((best, one) => (one.distance < best.distance ? one : best)).name;
}
