import type { Environment } from '../config/environment';
import type { ListeningPorts } from './gateway';
import type { FirstCredentials } from './prepare-database';

const SHOWN_ONCE = '                (generated now and shown this once: keep it)';

/** What an operator reads when the gateway serves: where it is, who may in, and how to try it. */
export function banner(environment: Environment, ports: ListeningPorts, credentials: FirstCredentials): string {
  const { rootKey, adminToken } = credentials;
  const s3 = urlOf(environment.host, ports.s3Port);
  const admin = urlOf(environment.host, ports.adminPort);
  const secret = rootKey.isNew ? rootKey.secretKey : '<secret key>';
  return [
    'Vaultaire is ready.',
    '',
    `  S3 endpoint   ${s3}   (region ${environment.region})`,
    `  Admin         ${admin}   (/docs, /health/ready, /metrics)`,
    `  Data folder   ${environment.dataDir}`,
    `  Access key    ${rootKey.accessKeyId}`,
    ...(rootKey.isNew ? credentialLines(rootKey.secretKey) : []),
    ...tokenLines(adminToken),
    '',
    'Try it with the AWS command line:',
    '',
    `  export AWS_ACCESS_KEY_ID=${rootKey.accessKeyId}`,
    `  export AWS_SECRET_ACCESS_KEY=${secret}`,
    `  export AWS_DEFAULT_REGION=${environment.region}`,
    `  aws --endpoint-url ${s3} s3 mb s3://my-bucket`,
    `  aws --endpoint-url ${s3} s3 cp README.md s3://my-bucket/`,
    '',
    'or with rclone:',
    '',
    `  rclone config create vaultaire s3 provider=Other endpoint=${s3} region=${environment.region} \\`,
    `    access_key_id=${rootKey.accessKeyId} secret_access_key=${secret}`,
    '  rclone ls vaultaire:my-bucket',
    '',
    '',
  ].join('\n');
}

/** For a start that fails after key or token were generated: they would be lost otherwise. */
export function generatedCredentials({ rootKey, adminToken }: FirstCredentials): string | undefined {
  const keyLines = rootKey.isNew
    ? [`  Access key    ${rootKey.accessKeyId}`, ...credentialLines(rootKey.secretKey)]
    : [];
  const lines = [...keyLines, ...tokenLines(adminToken)];
  return lines.length === 0 ? undefined : [...lines, ''].join('\n');
}

function credentialLines(secretKey: string): string[] {
  return [`  Secret key    ${secretKey}`, SHOWN_ONCE];
}

function tokenLines(adminToken: string | undefined): string[] {
  return adminToken === undefined ? [] : [`  Admin token   ${adminToken}`, SHOWN_ONCE];
}

function urlOf(host: string, port: number): string {
  const name = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host);
  return `http://${name}:${port}`;
}
