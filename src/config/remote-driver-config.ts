import { Type } from 'class-transformer';
import { IsInt, IsNumber, IsObject, Max, Min, ValidateNested } from 'class-validator';
import { NamedDriverConfig } from './named-driver-config';

/** When a failing backend is cut off. */
export class BreakerConfig {
  /** Calls that are looked back on. */
  @IsInt()
  @Min(1)
  @Max(10_000)
  readonly windowCalls: number = 20;

  /** It does not open before so many. */
  @IsInt()
  @Min(1)
  @Max(10_000)
  readonly minCalls: number = 5;

  @IsNumber()
  @Min(0.01)
  @Max(1)
  readonly failureShare: number = 0.5;

  /** Until the first probe; doubled with each probe that fails, up to `maxOpenMs`. */
  @IsInt()
  @Min(1)
  @Max(600_000)
  readonly openMs: number = 1_000;

  @IsInt()
  @Min(1)
  @Max(3_600_000)
  readonly maxOpenMs: number = 30_000;

  @IsInt()
  @Min(1)
  @Max(600_000)
  readonly probeMs: number = 10_000;
}

/** How a remote backend is called, by each process. */
export class ResilienceConfig {
  @IsInt()
  @Min(1)
  @Max(100_000)
  readonly maxReads: number = 256;

  @IsInt()
  @Min(1)
  @Max(100_000)
  readonly maxWrites: number = 128;

  /** Deletes, listings and the like. */
  @IsInt()
  @Min(1)
  @Max(100_000)
  readonly maxCalls: number = 64;

  /** Calls that may wait for each of these; more are answered with `SlowDown`. */
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  readonly maxWaiting: number = 1_000;

  /** Tries in all; 1: none is repeated. */
  @IsInt()
  @Min(1)
  @Max(20)
  readonly maxAttempts: number = 4;

  @IsInt()
  @Min(0)
  @Max(60_000)
  readonly firstDelayMs: number = 100;

  @IsInt()
  @Min(0)
  @Max(600_000)
  readonly maxDelayMs: number = 5_000;

  /** Of calls without a body, and until a body begins. */
  @IsInt()
  @Min(1)
  @Max(3_600_000)
  readonly callTimeoutMs: number = 20_000;

  /** A write that takes nothing from its source for so long, and does not end either, is given up. */
  @IsInt()
  @Min(1)
  @Max(3_600_000)
  readonly writeStallMs: number = 120_000;

  @ValidateNested()
  @IsObject()
  @Type(() => BreakerConfig)
  readonly breaker: BreakerConfig = new BreakerConfig();
}

const MIB = 1024 * 1024;

/** How large blobs are read: in several ranges at once. */
export class ParallelReadsConfig {
  /** Reads of more bytes than this are cut. */
  @IsInt()
  @Min(MIB)
  @Max(1024 * 1024 * MIB)
  readonly thresholdBytes: number = 16 * MIB;

  /** Ranges begin at multiples of this. A process holds twelve ranges in memory at most. */
  @IsInt()
  @Min(256 * 1024)
  @Max(64 * MIB)
  readonly rangeBytes: number = 4 * MIB;

  /** Ranges of one read that are fetched at once; 1: reads are not cut. */
  @IsInt()
  @Min(1)
  @Max(64)
  readonly maxRanges: number = 6;

  /** A range that is waited for and brings nothing for so long is asked for a second time. */
  @IsInt()
  @Min(10)
  @Max(600_000)
  readonly hedgeAfterMs: number = 3_000;
}

/** A backend at the other end of a network. */
export class RemoteDriverConfig extends NamedDriverConfig {
  @ValidateNested()
  @IsObject()
  @Type(() => ResilienceConfig)
  readonly resilience: ResilienceConfig = new ResilienceConfig();

  @ValidateNested()
  @IsObject()
  @Type(() => ParallelReadsConfig)
  readonly parallelReads: ParallelReadsConfig = new ParallelReadsConfig();
}
