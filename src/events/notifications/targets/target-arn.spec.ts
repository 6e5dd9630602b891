import { accountNumberOf } from '../../../context/account-number';
import { parseTargetArn, targetArn } from './target-arn';

const TENANT = '0190a000-0000-7000-8000-000000000001';
const OTHER = '0190a000-0000-7000-8000-000000000002';
const account = accountNumberOf(TENANT);

describe('ARNs of targets', () => {
  it.each([
    [targetArn(undefined, 'hook', 'us-east-1'), { isOwn: false, name: 'hook' }],
    [targetArn(TENANT, 'hook', 'us-east-1'), { isOwn: true, name: 'hook' }],
    [`arn:aws:sqs::${account}:a.b-c_d`, { isOwn: true, name: 'a.b-c_d' }],
    [targetArn(OTHER, 'hook', 'us-east-1'), undefined],
    ['arn:vaultaire:sqs:eu-west-1::hook', undefined],
    ['arn:vaultaire:sns:us-east-1::hook', undefined],
    ['arn:minio:sqs::1:webhook', undefined],
    ['arn:vaultaire:sqs:us-east-1::', undefined],
    ['hook', undefined],
  ])('%s', (arn, name) => {
    expect(parseTargetArn(arn, 'QueueConfiguration', TENANT, 'us-east-1')).toEqual(name);
  });

  it('are of the service that their element is for', () => {
    const lambda = `arn:aws:lambda:us-east-1:${account}:function:thumbnails`;
    const parse = (element: 'CloudFunctionConfiguration' | 'TopicConfiguration') =>
      parseTargetArn(lambda, element, TENANT, 'us-east-1');
    expect(parse('CloudFunctionConfiguration')).toEqual({ isOwn: true, name: 'thumbnails' });
    expect(parse('TopicConfiguration')).toBeUndefined();
  });
});
