import { AbortScope } from '../abort-scope';
import { delayBeforeRetry, sleep } from '../backoff';
import type { BlobSource } from '../driver';
import { DriverError } from '../driver.errors';
import type { SendOptions } from '../s3/s3-client';
import { SourceReader } from '../source-reader';
import type { TransferBuffers } from '../transfer-buffers';
import { isOfSource, toAborted } from '../upload-failure';
import { isKind } from './graph-account';
import type { GraphAccount } from './graph-account';
import type { OneDriveSettings } from './onedrive-settings';

/** An abort waits so long for the answer to a request that was sent whole, to know whether there is something to remove. */
const GRACE_MS = 2_000;
const CLEAN_UP_MS = 10_000;

export interface OneDriveWriteOptions {
  /** In the order in which they are tried: the next one where a drive is full, or throttled for long. */
  readonly accounts: readonly GraphAccount[];
  readonly path: string;
  readonly source: BlobSource;
  readonly sizeBytes: number | undefined;
  readonly signal: AbortSignal;
  readonly buffers: TransferBuffers;
  readonly settings: Pick<OneDriveSettings, 'maxPutBytes' | 'fragmentBytes' | 'backoff'>;
  readonly onRetry: () => void;
}

interface Upload {
  readonly account: GraphAccount;
  readonly url: URL;
}

/** Bytes that are in memory, and where in the file they belong. */
interface Fragment {
  readonly bytes: Buffer;
  readonly offset: number;
  readonly totalBytes: number;
}

/**
 * One write to a drive: a PUT for what is small, else an upload session, fragment by fragment.
 *
 * A fragment in memory is resumed where the session says that it goes on. A session that is gone is begun anew while its first fragment is
 * still here; later the bytes before are not, and the write fails. Where the process has no memory to spare, fragments stream straight from
 * the source, and any fault ends the write. Whatever fails, nothing is left that is known of.
 */
export class OneDriveWrite {
  private readonly stop = new AbortController();
  private readonly scope = new AbortScope(this.stop.signal);
  private readonly reader: SourceReader;
  private upload: Upload | undefined;
  /** An answer was lost that may have been the completion of the file. */
  private mayHaveFile = false;
  private hadLostAnswer = false;

  constructor(private readonly options: OneDriveWriteOptions) {
    this.reader = new SourceReader(options.source, options.sizeBytes, this.scope);
  }

  /** Resolves to the length in bytes. */
  async run(): Promise<number> {
    const { signal, sizeBytes } = this.options;
    const onAbort = (): void => {
      this.stop.abort(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      if (sizeBytes === undefined) await this.transferUnknown();
      else await this.transferKnown(sizeBytes);
      return this.reader.position;
    } catch (error) {
      const cause = this.reader.failure?.error ?? error;
      this.stop.abort(cause);
      await this.cancelUpload();
      throw signal.aborted && !isOfSource(cause) ? toAborted(cause, signal) : cause;
    } finally {
      this.reader.dismiss();
      this.scope.close();
      signal.removeEventListener('abort', onAbort);
    }
  }

  private async transferKnown(sizeBytes: number): Promise<void> {
    const { buffers, settings } = this.options;
    const buffer = sizeBytes <= settings.maxPutBytes ? buffers.tryTake(sizeBytes) : undefined;
    if (buffer === undefined && sizeBytes > 0) {
      await this.transferFragments(sizeBytes);
      return;
    }
    const bytes = buffer?.bytes ?? Buffer.alloc(0);
    try {
      await this.reader.fill(bytes);
      await this.reader.expectEnd();
      await this.put(bytes);
    } finally {
      buffer?.release();
    }
  }

  /** Graph wants to know the length with the first byte, so that all has to be here before. */
  private async transferUnknown(): Promise<void> {
    const { maxPutBytes, fragmentBytes } = this.options.settings;
    const buffer = await this.scope.guard(this.options.buffers.take(fragmentBytes, this.stop.signal));
    try {
      const filledBytes = await this.reader.fill(buffer.bytes);
      if (filledBytes === fragmentBytes)
        throw new DriverError('Unsupported', 'the backend takes no body of unknown length beyond a fragment');
      const bytes = buffer.bytes.subarray(0, filledBytes);
      if (filledBytes <= maxPutBytes) {
        await this.put(bytes);
      } else {
        this.upload = await this.beginUpload();
        await this.sendFragment({ bytes, offset: 0, totalBytes: filledBytes });
        this.upload = undefined;
      }
    } finally {
      buffer.release();
    }
  }

  private async put(bytes: Buffer): Promise<void> {
    const { path } = this.options;
    await this.onFirstWithRoom(async (account) => {
      let storedBytes: number;
      try {
        storedBytes = await this.retrying(() => account.put(path, bytes, this.completing()));
      } catch (error) {
        await this.acceptOwn(error, account, { bytes, offset: 0, totalBytes: bytes.length });
        return;
      }
      await this.checkLength(account, storedBytes, bytes.length);
    });
  }

  private async transferFragments(totalBytes: number): Promise<void> {
    const { buffers, settings } = this.options;
    this.upload = await this.beginUpload();
    for (let offset = 0; offset < totalBytes; offset += settings.fragmentBytes) {
      const lengthBytes = Math.min(settings.fragmentBytes, totalBytes - offset);
      const buffer = buffers.tryTake(lengthBytes);
      if (buffer === undefined) {
        await this.streamFragment(this.upload, offset, lengthBytes, totalBytes);
        continue;
      }
      try {
        const filledBytes = await this.reader.fill(buffer.bytes);
        if (filledBytes < lengthBytes || offset + lengthBytes === totalBytes) await this.reader.expectEnd();
        await this.sendFragment({ bytes: buffer.bytes, offset, totalBytes });
      } finally {
        buffer.release();
      }
    }
    this.upload = undefined;
  }

  private beginUpload(): Promise<Upload> {
    const { path } = this.options;
    // Not ended by an abort once it is sent: without its answer nobody could end the session.
    const options: SendOptions = { signal: this.stop.signal, graceMs: GRACE_MS };
    return this.onFirstWithRoom(async (account) => ({
      account,
      url: await this.retrying(() => account.beginUpload(path, options)),
    }));
  }

  private async streamFragment(
    { account, url }: Upload,
    offset: number,
    lengthBytes: number,
    totalBytes: number,
  ): Promise<void> {
    const isLast = offset + lengthBytes === totalBytes;
    const body = { sizeBytes: lengthBytes, chunks: this.reader.stream(lengthBytes, isLast) };
    const progress = await account.putFragment(url, body, offset, totalBytes, this.completing()).catch(sessionLost);
    if (isLast && progress.sizeBytes !== undefined) await this.checkLength(account, progress.sizeBytes, totalBytes);
    else if (isLast || progress.nextPosition !== offset + lengthBytes)
      throw new DriverError('Unavailable', 'the backend took a part of a fragment only', { isRetryable: false });
  }

  private async sendFragment(fragment: Fragment): Promise<void> {
    const { bytes, offset, totalBytes } = fragment;
    const end = offset + bytes.length;
    let position = offset;
    let failures = 0;
    while (position < end) {
      const { account, url } = this.currentUpload;
      try {
        const rest = bytes.subarray(position - offset);
        const options = end === totalBytes ? this.completing() : { signal: this.stop.signal };
        const progress = await account.putFragment(url, rest, position, totalBytes, options);
        if (progress.sizeBytes !== undefined) {
          await this.checkLength(account, progress.sizeBytes, totalBytes);
          return;
        }
        if (progress.nextPosition !== undefined && progress.nextPosition > position) failures = 0;
        position = this.within(fragment, progress.nextPosition);
      } catch (error) {
        failures += 1;
        position = await this.recover(error, failures, fragment);
      }
    }
  }

  /** Where to go on after a fault; rejects where that is nowhere. The end of the fragment: it has arrived, answer or not. */
  private async recover(error: unknown, failures: number, fragment: Fragment): Promise<number> {
    const { account, url } = this.currentUpload;
    const end = fragment.offset + fragment.bytes.length;
    if (isKind(error, 'AlreadyExists') || isKind(error, 'NotFound')) {
      if (this.mayHaveFile || isKind(error, 'AlreadyExists')) {
        const isOwn = await this.acceptOwn(error, account, fragment).then(
          () => true,
          () => false,
        );
        if (isOwn) return end;
      }
      if (isKind(error, 'AlreadyExists')) throw error;
      if (fragment.offset > 0) throw sessionLostError(error);
      await this.pause(sessionLostError(error, true), failures);
      this.upload = await this.beginUpload();
      return 0;
    }
    if (!isKind(error, 'RangeNotSatisfiable')) await this.pause(error, failures);
    else if (failures >= this.options.settings.backoff.maxAttempts) throw sessionLostError(error);
    try {
      const position = await this.retrying(() => account.uploadPosition(url, this.stop.signal));
      return this.within(fragment, position);
    } catch (cause) {
      if (!isKind(cause, 'NotFound')) throw cause;
      return this.recover(cause, failures + 1, fragment);
    }
  }

  /** A position that the bytes at hand can serve. */
  private within({ offset, bytes }: Fragment, position: number | undefined): number {
    if (position !== undefined && position >= offset && position <= offset + bytes.length) return position;
    throw new DriverError('Unavailable', 'the upload session goes on at bytes that are not here', {
      isRetryable: false,
    });
  }

  /** After a lost answer a failure, or a refusal of the repetition, may hide a success: the file itself tells. */
  private async acceptOwn(error: unknown, account: GraphAccount, fragment: Fragment): Promise<void> {
    if (!this.mayHaveFile) throw error;
    this.mayHaveFile = false;
    const signal = AbortSignal.timeout(CLEAN_UP_MS);
    if (!(await this.isOwn(account, fragment, signal).catch(() => false))) throw error;
    if (!this.stop.signal.aborted) return;
    await account.delete(this.options.path, signal).catch(() => undefined);
    throw error;
  }

  /** The file is of our length and ends in the bytes that are in memory; nobody else writes under the key. */
  private async isOwn(
    account: GraphAccount,
    { bytes, offset, totalBytes }: Fragment,
    signal: AbortSignal,
  ): Promise<boolean> {
    const item = await account.item(this.options.path, signal);
    if (item.sizeBytes !== totalBytes) return false;
    if (totalBytes === 0) return true;
    const body = await account.download(item, { start: offset, endExclusive: offset + bytes.length }, signal);
    return body !== undefined && Buffer.concat(await body.toArray()).equals(bytes);
  }

  private async checkLength(account: GraphAccount, storedBytes: number, expectedBytes: number): Promise<void> {
    if (storedBytes === expectedBytes) return;
    await account.delete(this.options.path, AbortSignal.timeout(CLEAN_UP_MS)).catch(() => undefined);
    throw new DriverError('Unavailable', 'the backend stored another length than was sent', { isRetryable: false });
  }

  private async onFirstWithRoom<T>(attempt: (account: GraphAccount) => Promise<T>): Promise<T> {
    let refusal: unknown = new DriverError('Unavailable', 'there is no account');
    for (const account of this.options.accounts) {
      try {
        return await attempt(account);
      } catch (error) {
        const isRefused = isKind(error, 'NoSpace') || isKind(error, 'RateLimited');
        // Where an answer was lost there may be a file already.
        if (!isRefused || this.hadLostAnswer) throw error;
        refusal = error;
      }
    }
    throw refusal;
  }

  private async retrying<T>(attempt: () => Promise<T>): Promise<T> {
    for (let attempts = 1; ; attempts += 1) {
      try {
        return await attempt();
      } catch (error) {
        await this.pause(error, attempts);
      }
    }
  }

  /** Waits before another try, or rejects with `error` itself where that makes no sense. */
  private async pause(error: unknown, failures: number): Promise<void> {
    if (!(error instanceof DriverError) || this.stop.signal.aborted) throw error;
    const delayMs = delayBeforeRetry(error, failures, this.options.settings.backoff);
    if (delayMs === undefined) throw error;
    this.options.onRetry();
    await sleep(delayMs, this.stop.signal);
  }

  /** For requests that may complete the file. */
  private completing(): SendOptions {
    return {
      signal: this.stop.signal,
      graceMs: GRACE_MS,
      onUnanswered: () => {
        this.mayHaveFile = true;
        this.hadLostAnswer = true;
      },
    };
  }

  /** Never rejects: a session that can't be ended now expires by itself. */
  private async cancelUpload(): Promise<void> {
    if (this.upload === undefined) return;
    const { account, url } = this.upload;
    await account.cancelUpload(url, AbortSignal.timeout(CLEAN_UP_MS)).catch(() => undefined);
  }

  private get currentUpload(): Upload {
    if (this.upload === undefined) throw new DriverError('Unexpected', 'no upload was begun');
    return this.upload;
  }
}

/** A session that is gone is no missing blob. */
function sessionLostError(cause: unknown, isRetryable = false): DriverError {
  return new DriverError('Unavailable', 'the upload session is gone', { cause, isRetryable });
}

function sessionLost(error: unknown): never {
  throw isKind(error, 'NotFound') || isKind(error, 'RangeNotSatisfiable') ? sessionLostError(error) : error;
}
