import { Logger } from '@nestjs/common';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { LogFields } from '../../context/log-fields';
import type { BytePacer } from '../../tenant/throttling/byte-pacer';
import { errorElement } from '../errors/error-document';
import { isServerFault, toS3Error } from '../errors/error-translation';
import { writeXmlDocument, writeXmlRoot, XML_DECLARATION } from '../xml/xml-writer';
import { answerHeaders } from './answer-headers';
import { isAwaitingContinue } from './continue';
import { keepConnection } from './keep-connection';
import { PacedStream } from './paced-stream';
import type { S3Request } from './s3-request';
import type { S3Response, XmlElement } from './s3-response';
import { sendBody } from './send-body';

/** White space goes out this often: proxies and SDKs give up on a silent connection after 30 to 60 s. */
const KEEP_ALIVE_INTERVAL_MS = 10_000;

/** Up to here copying a body costs less than handing it to the system apart from its header. */
const ONE_WRITE_MAX_BYTES = 16 * 1024;

const logger = new Logger('S3');

const ignore = (): void => undefined;

/**
 * The one way a success leaves the S3 plane. Returns a promise where writing goes on after the call; it never rejects once
 * a byte is out.
 */
export function writeSuccess(request: S3Request, answer: S3Response): Promise<void> | undefined {
  const body = answer.body;
  if (body === undefined) {
    writeWhole(request, answer, undefined, undefined);
    return undefined;
  }
  switch (body.kind) {
    case 'bytes':
      return writeBody(request, answer, body.bytes, undefined);
    case 'text':
      return writeBody(request, answer, Buffer.from(body.text), body.contentType);
    case 'xml':
      return writeBody(request, answer, Buffer.from(writeXmlDocument(body.root)), 'application/xml');
    case 'stream':
      writeStream(request, answer, body.stream);
      return undefined;
    case 'keep-alive-xml':
      return writeKeptAlive(request, answer, body.result);
  }
}

function writeHead(request: S3Request, status: number, headers: Record<string, string | number>): void {
  request.response.writeHead(status, headers);
  request.record.status = status;
}

/** Waits first where the answers of this client are shaped. */
function writeBody(
  request: S3Request,
  answer: S3Response,
  body: Buffer,
  contentType: string | undefined,
): Promise<void> | undefined {
  const pacer = request.pacing?.bytesOut;
  if (pacer !== undefined && request.message.method !== 'HEAD') {
    return writeBodyPaced(pacer, request, answer, body, contentType);
  }
  writeWhole(request, answer, body, contentType);
  return undefined;
}

async function writeBodyPaced(
  pacer: BytePacer,
  request: S3Request,
  answer: S3Response,
  body: Buffer,
  contentType: string | undefined,
): Promise<void> {
  await pacer.reserve(body.length, request.ctx.signal, () => {
    keepConnection(request.response.socket);
  });
  writeWhole(request, answer, body, contentType);
}

function writeWhole(
  request: S3Request,
  answer: S3Response,
  body: Buffer | undefined,
  contentType: string | undefined,
): void {
  const { response, record, message } = request;
  const status = answer.status ?? 200;
  const headers = answerHeaders(request.id, answer.headers);
  // The client may send the body that nobody asked for, or not: what follows on the connection is anybody's guess.
  if (isAwaitingContinue(message)) headers.connection = 'close';
  if (contentType !== undefined) headers['content-type'] ??= contentType;
  if (body !== undefined) headers['content-length'] = body.length;
  else if (status !== 204 && message.method !== 'HEAD') headers['content-length'] ??= 0;
  writeHead(request, status, headers);
  record.firstByteClockMs = performance.now();
  if (body !== undefined && message.method !== 'HEAD') record.bytesOut = body.length;
  // Header and body in one string make one write; a Buffer would make two.
  if (body !== undefined && body.length <= ONE_WRITE_MAX_BYTES) response.end(body.toString('latin1'), 'latin1');
  else response.end(body);
}

/** A source that breaks, or ends before the promised length, breaks the connection: never a silently short body. */
function writeStream(request: S3Request, answer: S3Response, source: Readable): void {
  const { response, record } = request;
  const headers = answerHeaders(request.id, answer.headers);
  const promised = headers['content-length'];
  const lengthBytes = promised === undefined ? undefined : Number(promised);
  writeHead(request, answer.status ?? 200, headers);
  const pacer = request.pacing?.bytesOut;
  const paced =
    pacer &&
    new PacedStream(pacer, () => {
      keepConnection(response.socket);
    });
  const sent = paced ?? source;
  sent.on('data', (chunk: Buffer) => {
    record.firstByteClockMs ??= performance.now();
    record.bytesOut += chunk.length;
  });
  sent.on('end', () => {
    if (lengthBytes === undefined || record.bytesOut === lengthBytes) return;
    const error = new Error(`The source ended after ${record.bytesOut} of ${lengthBytes} bytes`);
    reportBrokenAnswer(request, error);
    response.destroy(error);
  });
  // Noted here and not when the pipeline is done: by then the response closed and its record was settled.
  source.on('error', (error) => {
    if (!isPrematureClose(error)) reportBrokenAnswer(request, error);
  });
  if (paced !== undefined) pipeline(source, paced, ignore);
  sendBody(sent, response);
}

async function writeKeptAlive(request: S3Request, answer: S3Response, result: Promise<XmlElement>): Promise<void> {
  const { response, record } = request;
  const send = (text: string): void => {
    record.bytesOut += Buffer.byteLength(text);
    if (!response.destroyed) response.write(text);
  };
  writeHead(request, answer.status ?? 200, {
    ...answerHeaders(request.id, answer.headers),
    'content-type': 'application/xml',
  });
  record.firstByteClockMs = performance.now();
  send(XML_DECLARATION);
  const ticker = setInterval(send, KEEP_ALIVE_INTERVAL_MS, ' ');
  try {
    send(writeXmlRoot(await result));
  } catch (failure) {
    const error = toS3Error(failure, request);
    record.errorCode = error.code;
    if (isServerFault(error)) {
      logger.error(`${request.operation.name} failed`, error.cause, LogFields.of(request.record));
    }
    send(writeXmlRoot(errorElement(error, request.id, request.rawPath)));
  } finally {
    clearInterval(ticker);
  }
  response.end();
}

function reportBrokenAnswer(request: S3Request, error: Error): void {
  if (request.record.errorCode !== undefined || request.message.socket.destroyed) return;
  request.record.errorCode = 'InternalError';
  logger.error(`${request.operation.name} broke off midway`, error, LogFields.of(request.record));
}

/** The client went away: nobody's fault here. */
function isPrematureClose(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
