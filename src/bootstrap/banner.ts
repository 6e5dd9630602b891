import type { Environment } from '../config/environment';
import type { RootKey } from '../tenant/bootstrap-tenancy';
import type { ListeningPorts } from './gateway';

/** What an operator reads when the gateway serves: where it is, who may in, and how to try it. */
export function banner(environment: Environment, ports: ListeningPorts, rootKey: RootKey): string {
  const s3 = urlOf(environment.host, ports.s3Port);
  const admin = urlOf(environment.host, ports.adminPort);
  const secret = rootKey.isNew ? rootKey.secretKey : '<secret key>';
  return [
    'Vaultaire is ready.',
    '',
    `  S3 endpoint   ${s3}   (region ${environment.region})`,
    `  Admin         ${admin}   (/health/ready, /metrics)`,
    `  Data folder   ${environment.dataDir}`,
    `  Access key    ${rootKey.accessKeyId}`,
    ...(rootKey.isNew ? credentialLines(rootKey.secretKey) : []),
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

/** For a start that fails after the key was generated: it would be lost otherwise. */
export function generatedCredentials(rootKey: RootKey): string | undefined {
  if (!rootKey.isNew) return undefined;
  return [`  Access key    ${rootKey.accessKeyId}`, ...credentialLines(rootKey.secretKey), ''].join('\n');
}

function credentialLines(secretKey: string): string[] {
  return [`  Secret key    ${secretKey}`, '                (generated now and shown this once: keep it)'];
}

function urlOf(host: string, port: number): string {
  const name = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host);
  return `http://${name}:${port}`;
}
