import { randomUUID } from 'node:crypto';
import { blobId, blobKey, tenantId } from '../../src/context/ids';
import type { BlobKey } from '../../src/context/ids';
import type { Driver } from '../../src/drivers/driver';
import { bytesOf, contextOf, kindOf, sourceOf } from './driver-calls';

/** A driver on a backend of its own. */
export interface DriverUnderTest {
  readonly driver: Driver;
  /** Resolves to all that is held anywhere, leftovers of failed writes included: names or paths, one per file. */
  readonly leftovers: () => Promise<readonly string[]>;
  /** Descriptors or the like that the driver holds open; undefined where there are none to count. */
  readonly openHandles?: () => number;
  readonly dispose: () => Promise<void>;
}

/** Makes an empty backend, and a driver on it. */
export type DriverFactory = () => Promise<DriverUnderTest>;

/** The driver of the test that runs, a key of a tenant, and what tests do with them again and again. */
export class DriverSubject {
  readonly tenant = tenantId(randomUUID());
  readonly ctx = contextOf(this.tenant);
  key = this.newKey();
  private current: DriverUnderTest | undefined;

  constructor(private readonly factory: DriverFactory) {}

  get driver(): Driver {
    return this.underTest.driver;
  }

  /** Before each test: an empty backend. */
  async begin(): Promise<void> {
    this.current = await this.factory();
    this.key = this.newKey();
  }

  /** After each test. */
  async end(): Promise<void> {
    await this.driver.close();
    await this.underTest.dispose();
  }

  newKey(): BlobKey {
    return blobKey(this.tenant, blobId(randomUUID()));
  }

  leftovers(): Promise<readonly string[]> {
    return this.underTest.leftovers();
  }

  openHandles(): number {
    return this.underTest.openHandles?.() ?? 0;
  }

  write(bytes: Uint8Array, at: BlobKey = this.key): Promise<unknown> {
    return this.driver.write(this.ctx, at, sourceOf(bytes), { sizeBytes: bytes.length });
  }

  async readAll(at: BlobKey = this.key): Promise<Buffer> {
    return bytesOf((await this.driver.read(this.ctx, at)).body);
  }

  async expectNothingKept(): Promise<void> {
    expect(await this.leftovers()).toEqual([]);
    expect(await kindOf(this.driver.stat(this.ctx, this.key))).toBe('NotFound');
  }

  private get underTest(): DriverUnderTest {
    if (this.current === undefined) throw new Error('there is no driver outside of a test');
    return this.current;
  }
}
