import type { ClientAccess, ClientConfig } from './client-access';

/** A section of `rclone.conf`. */
function rclone({ profile, endpoint, region, accessKeyId, secretKey }: ClientAccess): string {
  return [
    `[${profile}]`,
    'type = s3',
    'provider = Other',
    `access_key_id = ${accessKeyId}`,
    `secret_access_key = ${secretKey}`,
    `region = ${region}`,
    `endpoint = ${endpoint}`,
  ].join('\n');
}

/** The two files of aws-cli and the AWS SDKs. The last two lines are for aws-cli 1, whose defaults are older. */
function aws({ profile, endpoint, region, accessKeyId, secretKey }: ClientAccess): string {
  return [
    '# ~/.aws/credentials',
    `[${profile}]`,
    `aws_access_key_id = ${accessKeyId}`,
    `aws_secret_access_key = ${secretKey}`,
    '',
    '# ~/.aws/config',
    profile === 'default' ? '[default]' : `[profile ${profile}]`,
    `region = ${region}`,
    `endpoint_url = ${endpoint}`,
    's3 =',
    '  addressing_style = path',
    '  signature_version = s3v4',
  ].join('\n');
}

/** Commands for a shell of the POSIX kind. What an earlier session left would win over the key, or be sent along with it. */
function env({ endpoint, region, accessKeyId, secretKey }: ClientAccess): string {
  return [
    'unset AWS_SESSION_TOKEN AWS_PROFILE',
    `export AWS_ACCESS_KEY_ID=${quoted(accessKeyId)}`,
    `export AWS_SECRET_ACCESS_KEY=${quoted(secretKey)}`,
    `export AWS_DEFAULT_REGION=${quoted(region)}`,
    `export AWS_REGION=${quoted(region)}`,
    `export AWS_ENDPOINT_URL=${quoted(endpoint)}`,
  ].join('\n');
}

function quoted(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** By the option that asks for it. */
export const CLIENT_CONFIGS: Readonly<Record<'rclone' | 'aws' | 'env', ClientConfig>> = { rclone, aws, env };
