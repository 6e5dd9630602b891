import type { INestApplication, Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { OpenAPIObject } from '@nestjs/swagger';
import { actionNameOf } from '../admin-action.decorator';
import { ADMIN_API_PREFIX } from '../admin-api.constants';
import { ADMIN_SECURITY } from '../admin-controller.decorator';
import { packageVersion } from '../server/package-version';
import { completeOperations } from './complete-operations';
import { SHARED_COMPONENTS } from './shared-components';

const DESCRIPTION = `
Administers tenants, their users, keys, quotas and limits, and the server itself.

**Authorize** with a bearer token: the one of \`VAULTAIRE_ADMIN_TOKEN\`, the one that the first start printed as *Admin token*, or
one made under *Tokens*. An \`operator\` may do everything, a \`viewer\` read everything, a \`tenant-admin\` administer one tenant.

**A first customer**: create a tenant, a user in it, and an access key of this user, whose answer holds the secret key (shown
once); set the tenant's quota; look at its usage.

**Conventions**
- Failures are problem documents (RFC 9457) with the \`requestId\`; a 400 names every bad field in \`errors\`.
- Lists come in pages: pass \`nextCursor\` as \`cursor\` until there is none.
- An answer with a \`revision\` carries it as \`ETag\`. Changes name it in \`If-Match\`: 428 without, 412 when it is out of date.
- A POST with an \`Idempotency-Key\` is carried out once: repetitions within 24 hours get the same answer.
- Tenants, users and tokens go by name or by id.
`.trim();

/** In the order of an operator's work; other tags follow in the order of their controllers. */
const TAGS: readonly (readonly [name: string, description: string])[] = [
  ['Tenants', 'Customers: each has its own users, keys and containers'],
  ['Users', 'People and programs of a tenant'],
  ['Keys', 'What users sign S3 requests with'],
  ['Quotas, limits and usage', 'How much a tenant may hold, how fast it may ask, and what it does'],
  ['Containers', 'Buckets, to S3'],
  ['Plans', 'Named sets of quotas and limits'],
  ['Jobs', 'Long work that somebody asked for'],
  ['Events', 'Who did what, on both planes'],
  ['Drivers', 'Storage backends and their health'],
  ['Tokens', 'Who may use this API'],
  ['Server', 'This gateway'],
];

/**
 * The OpenAPI document of every route under `/api/v1`. Takes some ten milliseconds of one core, so it is made when it is first
 * asked for.
 */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Vaultaire admin API')
    .setDescription(DESCRIPTION)
    .setVersion(packageVersion())
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'A token of the admin API' }, ADMIN_SECURITY)
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    include: adminModules(app.get(ModulesContainer)),
    operationIdFactory: actionNameOf,
  });
  document.paths = Object.fromEntries(Object.entries(document.paths).filter(([path]) => isOfApi(path)));
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, ...SHARED_COMPONENTS.schemas },
    responses: SHARED_COMPONENTS.responses,
    parameters: SHARED_COMPONENTS.parameters,
    headers: SHARED_COMPONENTS.headers,
  };
  completeOperations(document);
  document.tags = tagsOf(document);
  return document;
}

/** Modules with routes of the API: a look at the hundred of the S3 plane would cost more than the rest. */
function adminModules(container: ModulesContainer): Type[] {
  const modules = [...container.values()].filter((module) =>
    [...module.controllers.values()].some(({ metatype }) => {
      const path: unknown = typeof metatype === 'function' ? Reflect.getMetadata('path', metatype) : undefined;
      return typeof path === 'string' && path.startsWith(ADMIN_API_PREFIX);
    }),
  );
  return modules.map(({ metatype }) => metatype);
}

function isOfApi(path: string): boolean {
  return path.startsWith(`/${ADMIN_API_PREFIX}/`);
}

function tagsOf(document: OpenAPIObject): { readonly name: string; readonly description?: string }[] {
  const used = new Set(
    Object.values(document.paths).flatMap((item) =>
      [item.get, item.post, item.put, item.patch, item.delete].flatMap((operation) => operation?.tags ?? []),
    ),
  );
  const known = TAGS.filter(([name]) => used.delete(name)).map(([name, description]) => ({ name, description }));
  return [...known, ...[...used].map((name) => ({ name }))];
}
