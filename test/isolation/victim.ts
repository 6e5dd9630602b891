import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { randomBytes, randomUUID } from 'node:crypto';
import type { Tenant } from '../../src/tenant/entities/tenant.entity';
import type { User } from '../../src/tenant/entities/user.entity';
import type { AccessKeyCredentials } from '../../src/tenant/tenancy.service';
import type { RunningVaultaire } from '../support/start-vaultaire';
import type { TestTenancy } from '../support/tenancy';

export const VICTIM_BUCKET = 'victims-bucket';
export const VICTIM_KEY = 'a/secret key';
export const SECRET = 'the words that nobody else may read';
export const TAG = 'a tag that nobody else may read';

/** Somebody with data, and everything that an intruder could ever learn about it. */
export interface Victim {
  readonly tenant: Tenant;
  readonly user: User;
  readonly key: AccessKeyCredentials;
  readonly uploadId: string;
  readonly versionId: string;
}

/** Makes a tenant with a bucket of two versions of an object, an upload in progress, and tags. */
export async function makeVictim(vaultaire: RunningVaultaire, tenancy: TestTenancy): Promise<Victim> {
  const tenant = await tenancy.tenant('victims-company');
  const user = await tenancy.user(tenant, 'victim');
  const key = await tenancy.key(user);
  const s3 = vaultaire.s3Client({
    credentials: { accessKeyId: key.accessKeyId, secretAccessKey: key.secretKey },
  });
  const Bucket = VICTIM_BUCKET;
  const object = { Bucket, Key: VICTIM_KEY };
  await s3.send(new CreateBucketCommand({ Bucket }));
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: [{ Key: 'whose', Value: TAG }] } }));
  await s3.send(new PutObjectCommand({ ...object, Body: randomBytes(300_000) }));
  const put = await s3.send(new PutObjectCommand({ ...object, Body: SECRET, Metadata: { secret: TAG } }));
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand(object));
  await s3.send(new UploadPartCommand({ ...object, UploadId, PartNumber: 1, Body: SECRET }));
  await addNotificationRule(tenancy, tenant);
  return { tenant, user, key, uploadId: UploadId ?? '', versionId: put.VersionId ?? '' };
}

/** A rule that nothing goes by: what it would tell changes rows. */
async function addNotificationRule({ dataSource }: TestTenancy, tenant: Tenant): Promise<void> {
  const target = randomUUID();
  await dataSource.query(
    `INSERT INTO notification_targets (id, tenant_id, name, kind, settings) VALUES ($1, $2, 'victims', 'redis', '{}')`,
    [target, tenant.id],
  );
  await dataSource.query(
    `INSERT INTO notification_rules (container_id, place, id, element, arn, target_id, events)
     SELECT id, 1, $1, 'QueueConfiguration', '', $2, '{}' FROM containers WHERE tenant_id = $3`,
    [TAG, target, tenant.id],
  );
}
