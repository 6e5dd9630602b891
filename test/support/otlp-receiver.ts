import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** A span as OTLP's JSON has it, with its attributes as a plain object. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number | string };
}

interface Traces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[];
  }[];
}

type SentSpan = Omit<ReceivedSpan, 'attributes' | 'links'> & {
  readonly attributes?: readonly Attribute[];
  readonly links?: ReceivedSpan['links'];
};

/** A collector that takes traces by OTLP over HTTP in JSON and keeps them. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  /** Attributes of the resources. */
  readonly resources: Record<string, string | number>[] = [];
  /** Bodies as they came. */
  readonly texts: string[] = [];
  private readonly server = createServer((request, response) => {
    json(request).then(
      (body) => {
        this.receive(body as Traces);
        response.setHeader('Content-Type', 'application/json').end('{}');
      },
      // A sender that gives up sends no more.
      () => response.destroy(),
    );
  });

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  get endpoint(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private receive(body: Traces): void {
    this.texts.push(JSON.stringify(body));
    for (const { resource, scopeSpans } of body.resourceSpans) {
      this.resources.push(plain(resource.attributes));
      for (const { spans } of scopeSpans) {
        for (const span of spans) this.spans.push({ links: [], ...span, attributes: plain(span.attributes) });
      }
    }
  }
}

function plain(attributes: readonly Attribute[] = []): Record<string, string | number> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]));
}
