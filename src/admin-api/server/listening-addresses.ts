import { Injectable } from '@nestjs/common';
import { Environment } from '../../config/environment';

/** Where this gateway can be reached. The start-up fills in the ports that it got. */
@Injectable()
export class ListeningAddresses {
  private s3Port: number;
  private adminPort: number;

  constructor(private readonly environment: Environment) {
    this.s3Port = environment.s3Port;
    this.adminPort = environment.adminPort;
  }

  listening(ports: { readonly s3Port: number; readonly adminPort: number }): void {
    this.s3Port = ports.s3Port;
    this.adminPort = ports.adminPort;
  }

  get s3(): string {
    return this.urlOf(this.s3Port);
  }

  get admin(): string {
    return this.urlOf(this.adminPort);
  }

  private urlOf(port: number): string {
    const { host } = this.environment;
    return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  }
}
