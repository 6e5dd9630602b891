import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { TenantThrottlerGuard } from '../../tenant/throttling/tenant-throttler.guard';
import { ExpectedOwnerGuard } from '../controllers/expected-owner.guard';
import { AccessGuard } from './access.guard';
import { SigV4Guard } from './sigv4.guard';

/**
 * The guards before every S3 operation, in this order: who (signature), how fast (limits of tenant and key), may they (access),
 * and is the bucket whose they think. One guard to Nest, which would await each of them; with the key and the bucket in
 * memory none of them has anything to wait for.
 */
@Injectable()
export class S3GuardStack implements CanActivate {
  private readonly guards: readonly CanActivate[];

  constructor(
    signature: SigV4Guard,
    private readonly throttler: TenantThrottlerGuard,
    access: AccessGuard,
    expectedOwner: ExpectedOwnerGuard,
  ) {
    this.guards = [
      signature,
      { canActivate: (context: ExecutionContext) => this.throttler.admit(context) },
      access,
      expectedOwner,
    ];
  }

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    return this.from(0, context);
  }

  private from(index: number, context: ExecutionContext): boolean | Promise<boolean> {
    for (let at = index; at < this.guards.length; at += 1) {
      const isAdmitted = this.guards[at]?.canActivate(context);
      if (isAdmitted === false) return false;
      if (isAdmitted instanceof Promise) return this.after(isAdmitted, at + 1, context);
    }
    return true;
  }

  private async after(admission: Promise<boolean>, next: number, context: ExecutionContext): Promise<boolean> {
    return (await admission) && this.from(next, context);
  }
}
