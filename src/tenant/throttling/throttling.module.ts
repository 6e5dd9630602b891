import { Module } from '@nestjs/common';
import { TokenBucketStorage } from './token-bucket.storage';

/** The buckets, apart from `TenantModule` so that the throttler package can have them too. */
@Module({
  providers: [{ provide: TokenBucketStorage, useFactory: () => new TokenBucketStorage() }],
  exports: [TokenBucketStorage],
})
export class ThrottlingModule {}
