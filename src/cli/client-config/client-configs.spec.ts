import { execFileSync } from 'node:child_process';
import { CLIENT_CONFIGS } from './client-configs';

const access = {
  profile: 'acme',
  endpoint: 'https://s3.example.com',
  region: 'us-east-1',
  accessKeyId: 'AKIAEXAMPLE',
  secretKey: 'secret+/=',
};

describe('a client configuration', () => {
  it('is a section of rclone.conf', () => {
    expect(CLIENT_CONFIGS.rclone(access)).toBe(
      [
        '[acme]',
        'type = s3',
        'provider = Other',
        'access_key_id = AKIAEXAMPLE',
        'secret_access_key = secret+/=',
        'region = us-east-1',
        'endpoint = https://s3.example.com',
      ].join('\n'),
    );
  });

  it('is a profile in the two files of aws-cli, which name the default profile in their own ways', () => {
    expect(CLIENT_CONFIGS.aws(access)).toContain('[acme]\naws_access_key_id = AKIAEXAMPLE\n');
    expect(CLIENT_CONFIGS.aws(access)).toContain('[profile acme]\nregion = us-east-1\n');
    expect(CLIENT_CONFIGS.aws({ ...access, profile: 'default' }).match(/^\[default\]$/gm)).toHaveLength(2);
  });

  it('is commands for a shell, whatever characters the secret has', () => {
    const secretKey = String.raw`it's $HOME "x" \n ; rm`;
    const script = `${CLIENT_CONFIGS.env({ ...access, secretKey })}\nprintf %s "$AWS_SECRET_ACCESS_KEY"`;
    expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe(secretKey);
  });
});
