import type { MigrationInterface } from 'typeorm';
import { Tenants1700000000001 } from './migrations/1700000000001-tenants';
import { Engine1700000000002 } from './migrations/1700000000002-engine';
import { Events1700000000003 } from './migrations/1700000000003-events';
import { Service1700000000004 } from './migrations/1700000000004-service';
import { Usage1700000000005 } from './migrations/1700000000005-usage';
import { Admin1700000000007 } from './migrations/1700000000007-admin';
import { EventAnalytics1700000000010 } from './migrations/1700000000010-event-analytics';
import { AccessLogs1700000000012 } from './migrations/1700000000012-access-logs';
import { Replicas1700000000013 } from './migrations/1700000000013-replicas';
import { Attachments1700000000014 } from './migrations/1700000000014-attachments';
import { Notifications1700000000015 } from './migrations/1700000000015-notifications';
import { Idleness1700000000016 } from './migrations/1700000000016-idleness';
import { PlacementSettings1700000000017 } from './migrations/1700000000017-placement-settings';
import { Restores1700000000018 } from './migrations/1700000000018-restores';
import { EventJournal1700000000020 } from './migrations/1700000000020-event-journal';

/** Every migration, oldest first. The numbers in the class names decide the order. */
export const MIGRATIONS: readonly (new () => MigrationInterface)[] = [
  Tenants1700000000001,
  Engine1700000000002,
  Events1700000000003,
  Service1700000000004,
  Usage1700000000005,
  Admin1700000000007,
  EventAnalytics1700000000010,
  AccessLogs1700000000012,
  Replicas1700000000013,
  Attachments1700000000014,
  Notifications1700000000015,
  Idleness1700000000016,
  PlacementSettings1700000000017,
  Restores1700000000018,
  EventJournal1700000000020,
];
