import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { blobId } from '../../context/ids';
import type { BlobId } from '../../context/ids';
import { detach } from '../../context/operation-context';
import type { OperationContext } from '../../context/operation-context';
import { Database } from '../../database/database';
import type { ChecksumAlgorithm, IncomingBody } from '../artifacts/artifact.types';
import { EngineError } from '../engine.errors';
import type { Placement } from '../placement/placements';
import { ReplicaWriter } from '../placement/replica-writer';
import type { WritePlan } from '../placement/replica-writer';
import { digestAlgorithmOf } from './checksum-names';
import { BlobPump } from './blob-pump';
import { digestOf } from './digests';
import type { DigestAlgorithm } from './digests';
import { DISCARD_BLOB } from './blob.statements';

const DISCARD_TIMEOUT_MS = 30_000;

/** Bytes that were received whole and verified, and wait for the transaction that makes them visible. */
export interface StoredBlob {
  /** Null for no bytes at all: an empty artifact has no blob. */
  readonly id: BlobId | null;
  /** The bytes themselves when they go into PostgreSQL with the commit; null when a driver holds them. */
  readonly inline: Buffer | null;
  /** Where the bytes are; null when no driver has any. */
  readonly plan: WritePlan | null;
  readonly sizeBytes: number;
  readonly md5: Buffer;
  readonly digests: ReadonlyMap<DigestAlgorithm, Buffer>;
}

export interface StoreOptions {
  /** Which drivers get what is not kept inline. */
  readonly placement: Placement;
  /** Digests wanted besides those of the body's expectations. */
  readonly alsoCompute?: readonly ChecksumAlgorithm[];
  /** More bytes than this reject with `ArtifactTooLarge`. */
  readonly maxBytes: number;
}

/**
 * Takes bodies in. Small ones of known length are kept inline in PostgreSQL (docs/adr/0002), so that they cost one
 * transaction; all others go to the placement's drivers under an intent row, which the sweeper follows up.
 */
@Injectable()
export class BlobStore {
  private readonly inlineMaxBytes: number;

  constructor(
    private readonly database: Database,
    private readonly pump: BlobPump,
    private readonly replicas: ReplicaWriter,
    config: VaultaireConfig,
  ) {
    this.inlineMaxBytes = config.engine.inlineMaxBytes;
  }

  /** Receives `body` to its end and checks its expectations. On any failure nothing is left but rows for the sweeper. */
  async store(ctx: OperationContext, body: IncomingBody, options: StoreOptions): Promise<StoredBlob> {
    if (body.sizeBytes !== undefined && body.sizeBytes > options.maxBytes) {
      throw tooLarge(body.sizeBytes, options.maxBytes);
    }
    const algorithms = algorithmsFor(body, options);
    if (body.sizeBytes !== undefined && body.sizeBytes <= this.inlineMaxBytes) {
      return this.storeInline(body, body.sizeBytes, algorithms);
    }
    return this.storeOnDrivers(ctx, body, algorithms, options);
  }

  /** Gives up bytes that will not be committed. Never rejects: what can't be removed now, the sweeper finds. */
  async discard(ctx: OperationContext, blob: StoredBlob): Promise<void> {
    if (blob.id !== null && blob.plan !== null) await this.discardIntent(ctx, blob.id, blob.plan);
  }

  private async storeInline(
    body: IncomingBody,
    sizeBytes: number,
    algorithms: ReadonlySet<DigestAlgorithm>,
  ): Promise<StoredBlob> {
    const bytes = await collect(body, sizeBytes);
    const digests = new Map<DigestAlgorithm, Buffer>();
    for (const algorithm of algorithms) digests.set(algorithm, digestOf(algorithm, bytes));
    verify(body, digests);
    const isEmpty = bytes.length === 0;
    return {
      id: isEmpty ? null : blobId(uuidv7()),
      inline: isEmpty ? null : bytes,
      plan: null,
      sizeBytes: bytes.length,
      md5: required(digests, 'md5'),
      digests,
    };
  }

  private async storeOnDrivers(
    ctx: OperationContext,
    body: IncomingBody,
    algorithms: ReadonlySet<DigestAlgorithm>,
    { placement, maxBytes }: StoreOptions,
  ): Promise<StoredBlob> {
    const id = blobId(uuidv7());
    const plan = this.replicas.plan(placement);
    ctx.observer?.placed?.(placement.name);
    await this.replicas.intend(ctx, id, plan);
    try {
      const { sizeBytes, digests } = await this.pump.pump(
        body.sizeBytes === undefined ? limited(body.source, maxBytes) : body.source,
        algorithms,
        (chunks) => this.replicas.write(ctx, id, plan, chunks, body.sizeBytes),
        { sizeBytes: body.sizeBytes },
      );
      verify(body, digests);
      if (sizeBytes === 0) {
        await this.discardIntent(ctx, id, plan);
        return { id: null, inline: null, plan: null, sizeBytes, md5: required(digests, 'md5'), digests };
      }
      return { id, inline: null, plan, sizeBytes, md5: required(digests, 'md5'), digests };
    } catch (error) {
      await this.discardIntent(ctx, id, plan);
      throw error;
    }
  }

  /** Withdraws the intent first: from then on no commit can make the blob live, and its bytes may go. */
  private async discardIntent(ctx: OperationContext, id: BlobId, plan: WritePlan): Promise<void> {
    const detached = detach(ctx, DISCARD_TIMEOUT_MS);
    try {
      await this.database.query(DISCARD_BLOB, [id]);
      await this.replicas.remove(detached, id, plan);
    } catch {
      // The row stays as writing or doomed, and the sweeper comes back to it.
    }
  }
}

function algorithmsFor(body: IncomingBody, options: StoreOptions): Set<DigestAlgorithm> {
  const algorithms = new Set<DigestAlgorithm>(['md5', digestAlgorithmOf(body.storedChecksum)]);
  for (const expectation of body.expectations) algorithms.add(expectation.algorithm);
  for (const algorithm of options.alsoCompute ?? []) algorithms.add(digestAlgorithmOf(algorithm));
  return algorithms;
}

/** At most the inline limit is ever collected: the source refuses more than its announced length, and less. */
async function collect(body: IncomingBody, sizeBytes: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let received = 0;
  for await (const chunk of body.source) {
    bytes.set(chunk, received);
    received += chunk.length;
  }
  return received === sizeBytes ? bytes : bytes.subarray(0, received);
}

async function* limited(source: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let received = 0;
  for await (const chunk of source) {
    received += chunk.length;
    if (received > maxBytes) throw tooLarge(received, maxBytes);
    yield chunk;
  }
}

function verify(body: IncomingBody, digests: ReadonlyMap<DigestAlgorithm, Buffer>): void {
  for (const expectation of body.expectations) expectation.verify(required(digests, expectation.algorithm));
}

function required(digests: ReadonlyMap<DigestAlgorithm, Buffer>, algorithm: DigestAlgorithm): Buffer {
  const digest = digests.get(algorithm);
  if (digest === undefined) throw new Error(`digest ${algorithm} was not computed`);
  return digest;
}

function tooLarge(sizeBytes: number, maxBytes: number): EngineError {
  return new EngineError({ kind: 'ArtifactTooLarge', sizeBytes, maxBytes });
}
