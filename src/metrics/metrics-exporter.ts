import cluster from 'node:cluster';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Injectable, ServiceUnavailableException } from '@nestjs/common';
import { Registry } from 'prom-client';
import type { MetricsMessage } from './cluster-messages';
import { isMetricsMessage } from './cluster-messages';

const SCRAPE_TIMEOUT_MS = 5_000;

/** Hands out the metrics of the whole gateway: this process's own, or in a cluster the sum that the primary knows. */
@Injectable()
export class MetricsExporter implements OnModuleInit, OnApplicationShutdown {
  private readonly scrapes = new Map<number, (text: string | undefined) => void>();
  private nextScrapeId = 1;
  private readonly onMessage = (message: unknown): void => {
    if (!isMetricsMessage(message)) return;
    if (message.kind === 'vaultaire:metrics:collect') void this.tell();
    else if (message.kind === 'vaultaire:metrics:scraped') this.scrapes.get(message.scrapeId)?.(message.text);
  };

  constructor(private readonly registry: Registry) {}

  get contentType(): string {
    return this.registry.contentType;
  }

  onModuleInit(): void {
    if (cluster.isWorker) process.on('message', this.onMessage);
  }

  /** The primary keeps these last figures when the process is gone. */
  async onApplicationShutdown(): Promise<void> {
    if (!cluster.isWorker) return;
    process.off('message', this.onMessage);
    await this.tell();
  }

  /** @throws ServiceUnavailableException when the primary gives no answer in time */
  async text(): Promise<string> {
    return cluster.isWorker ? this.askPrimary() : this.registry.metrics();
  }

  private askPrimary(): Promise<string> {
    const scrapeId = this.nextScrapeId++;
    return new Promise<string>((resolve, reject) => {
      const settle = (text: string | undefined): void => {
        clearTimeout(timer);
        this.scrapes.delete(scrapeId);
        if (text === undefined)
          reject(new ServiceUnavailableException('The metrics of the workers could not be added up'));
        else resolve(text);
      };
      const timer = setTimeout(settle, SCRAPE_TIMEOUT_MS, undefined);
      this.scrapes.set(scrapeId, settle);
      void send({ kind: 'vaultaire:metrics:scrape', scrapeId });
    });
  }

  private async tell(): Promise<void> {
    await send({ kind: 'vaultaire:metrics:snapshot', metrics: await this.registry.getMetricsAsJSON() });
  }
}

/** Resolves when the message is on its way. A worker whose primary is gone has nobody to tell. */
function send(message: MetricsMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else {
      process.send(message, undefined, undefined, () => {
        resolve();
      });
    }
  });
}
