import { Controller, Get, Res } from '@nestjs/common';
import { PrometheusController } from '@willsoto/nestjs-prometheus';
import type { Response } from 'express';
import { MetricsExporter } from './metrics-exporter';

/** `GET /metrics` of the admin plane, in the text format of Prometheus. */
@Controller()
export class MetricsController extends PrometheusController {
  constructor(private readonly exporter: MetricsExporter) {
    super();
  }

  @Get()
  override async index(@Res({ passthrough: true }) response: Response): Promise<string> {
    const text = await this.exporter.text();
    response.header('Content-Type', this.exporter.contentType);
    return text;
  }
}
