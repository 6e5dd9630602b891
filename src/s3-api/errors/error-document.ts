import { HOST_ID } from '../http/request-ids';
import type { XmlElement } from '../http/s3-response';
import { writeXmlDocument } from '../xml/xml-writer';
import type { S3Error } from './s3-error';

const element = (name: string, text: string): XmlElement => ({ name, children: text });

/**
 * The `Error` element of S3.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#RESTErrorResponses
 */
export function errorElement(error: S3Error, requestId: string, resource: string | undefined): XmlElement {
  return {
    name: 'Error',
    children: [
      element('Code', error.code),
      element('Message', error.message),
      ...Object.entries(error.fields).map(([name, value]) => element(name, value)),
      resource === undefined || 'Resource' in error.fields ? undefined : element('Resource', resource),
      element('RequestId', requestId),
      element('HostId', HOST_ID),
    ],
  };
}

export function errorDocument(error: S3Error, requestId: string, resource: string | undefined): string {
  return writeXmlDocument(errorElement(error, requestId, resource));
}
