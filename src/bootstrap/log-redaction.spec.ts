import { errorFields, redacted } from './log-redaction';

describe('the redaction of log lines', () => {
  it.each([
    ['a presigned URL', 'GET /b/k?X-Amz-Credential=AKIA%2F1&X-Amz-Signature=5ec2e7&x=1', '5ec2e7'],
    ['a session token in a URL', '/?X-Amz-Security-Token=5ec2e7&y', '5ec2e7'],
    ['a header', 'Authorization: AWS4-HMAC-SHA256 Credential=AKIA/1, Signature=5ec2e7', '5ec2e7'],
    ['a bearer token', JSON.stringify({ headers: { authorization: 'Bearer 5ec2e7' } }), '5ec2e7'],
    ['JSON within JSON', JSON.stringify({ msg: JSON.stringify({ secretAccessKey: '5ec2e7' }) }), '5ec2e7'],
    ['the password of a URL', 'connect to postgres://user:5ec2e7@host/db failed', '5ec2e7'],
  ])('takes the secret out of %s', (_, line, secret) => {
    expect(line).toContain(secret);
    expect(redacted(line)).not.toContain(secret);
    expect(redacted(line)).toContain('[redacted]');
  });

  it('leaves valid JSON, and what is no secret', () => {
    const line = JSON.stringify({ password: 'x', msg: 'Signature=abc', at: 'http://127.0.0.1:8080/a' });
    expect(JSON.parse(redacted(line))).toEqual({
      password: '[redacted]',
      msg: 'Signature=[redacted]',
      at: 'http://127.0.0.1:8080/a',
    });
  });

  it('keeps of errors what is known to be harmless, causes too', () => {
    const cause = Object.assign(new Error('inner'), { code: '23505', detail: 'Key (secret)=(5ec2e7)' });
    const error = Object.assign(new Error('outer', { cause }), { parameters: ['5ec2e7'] });
    const fields = errorFields(error);
    expect(fields).toMatchObject({ type: 'Error', message: 'outer', cause: { message: 'inner', code: '23505' } });
    expect(JSON.stringify(fields)).not.toContain('5ec2e7');
  });
});
