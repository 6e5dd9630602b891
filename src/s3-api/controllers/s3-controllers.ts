import { AccessControlController } from './access-control.controller';
import { BucketLoggingController } from './bucket-logging.controller';
import { BucketNotificationController } from './bucket-notification.controller';
import { BucketTaggingController } from './bucket-tagging.controller';
import { BucketController } from './bucket.controller';
import { CopyController } from './copy.controller';
import { ListingController } from './listing.controller';
import { MultipartController } from './multipart.controller';
import { ObjectAttributesController } from './object-attributes.controller';
import { ObjectTaggingController } from './object-tagging.controller';
import { ObjectController } from './object.controller';
import { RestoreController } from './restore.controller';
import { ServiceController } from './service.controller';
import { UploadListingController } from './upload-listing.controller';

/** Every controller of the S3 plane. They need `EngineModule` and `ConfigModule`. */
export const S3_CONTROLLERS = [
  AccessControlController,
  BucketController,
  BucketLoggingController,
  BucketNotificationController,
  BucketTaggingController,
  CopyController,
  ListingController,
  MultipartController,
  ObjectAttributesController,
  ObjectController,
  ObjectTaggingController,
  RestoreController,
  ServiceController,
  UploadListingController,
] as const;
