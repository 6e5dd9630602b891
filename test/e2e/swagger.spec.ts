import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SwaggerParser from '@apidevtools/swagger-parser';
import { RequestMethod } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import type { OpenAPIObject } from '@nestjs/swagger';
import { chromium } from 'playwright-core';
import type { BrowserContext, Locator, Page } from 'playwright-core';
import { AppModule } from '../../src/app.module';
import { Environment } from '../../src/config/environment';
import { loadConfig } from '../../src/config/load-config';
import { ask } from '../support/admin-requests';
import type { RunningVaultaire } from '../support/start-vaultaire';
import { startVaultaire } from '../support/start-vaultaire';

jest.setTimeout(120_000);

const CHROMIUM = '/usr/bin/chromium';
const CHROMIUM_ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

let vaultaire: RunningVaultaire;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'swagger-'));
  vaultaire = await startVaultaire();
}, 60_000);
afterAll(async () => {
  await vaultaire.stop();
  rmSync(folder, { recursive: true });
}, 60_000);

/** Untyped, as tests look into it as they expect it. */
type Json = ReturnType<typeof JSON.parse>;
type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

async function document(): Promise<OpenAPIObject> {
  const { status, body } = await ask(vaultaire, 'GET', '/docs-json', { token: null });
  expect(status).toBe(200);
  return body;
}

async function operations(): Promise<(readonly [route: string, operation: Operation])[]> {
  return Object.entries((await document()).paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [[`${method.toUpperCase()} ${path}`, operation] as const];
    }),
  );
}

/** Every controller class below a module, as Nest finds them. */
function controllersOf(module: unknown, seen = new Set<unknown>()): Set<new () => object> {
  const found = new Set<new () => object>();
  if (module === null || module === undefined || seen.has(module)) return found;
  seen.add(module);
  const { module: type = module, controllers = [], imports = [] } = module as Partial<DynamicModule>;
  const of = (key: string): unknown[] => (typeof type === 'function' ? (Reflect.getMetadata(key, type) ?? []) : []);
  for (const controller of [...controllers, ...of('controllers')]) found.add(controller as new () => object);
  for (const imported of [...imports, ...of('imports'), ...(type === module ? [] : [type])]) {
    for (const controller of controllersOf(imported, seen)) found.add(controller);
  }
  return found;
}

/** `GET /api/v1/...` of every handler, from the decorators alone. */
function declaredRoutes(): string[] {
  const environment = Environment.load({ VAULTAIRE_DATA_DIR: folder });
  const controllers = controllersOf(AppModule.forRoot(environment, loadConfig(environment)));
  return [...controllers].flatMap((controller) => {
    const base: unknown = Reflect.getMetadata('path', controller);
    if (typeof base !== 'string' || !base.startsWith('api/v1')) return [];
    const handlers = Object.getOwnPropertyNames(controller.prototype)
      .filter((name) => name !== 'constructor')
      .map((name) => Reflect.get(controller.prototype, name));
    return handlers.flatMap((handler) => {
      const path: unknown = typeof handler === 'function' ? Reflect.getMetadata('path', handler) : undefined;
      if (typeof path !== 'string') return [];
      const method = RequestMethod[Reflect.getMetadata('method', handler) as RequestMethod];
      const full = `/${base}/${path}`.replaceAll(/\/+/g, '/').replace(/\/$/, '');
      return [`${method} ${full.replaceAll(/:(\w+)/g, '{$1}')}`];
    });
  });
}

describe('the OpenAPI document', () => {
  it('is valid', async () => {
    const parsed = await SwaggerParser.validate(structuredClone(await document()) as never);
    expect(parsed.info.title).toBe('Vaultaire admin API');
  });

  it('has every route of the API, and no other', async () => {
    const documented = (await operations()).map(([route]) => route);
    expect(documented.toSorted()).toEqual(declaredRoutes().toSorted());
    expect(documented.length).toBeGreaterThan(8);
  });

  it('says of every operation what it does, who may, and how it fails', async () => {
    const { tags = [], components } = await document();
    const ids = new Set<string>();
    for (const [route, operation] of await operations()) {
      const about = { route, ...operation };
      expect(about).toMatchObject({ summary: expect.stringMatching(/\w/), security: [{ token: [] }] });
      expect(about).toMatchObject({ 'x-required-role': expect.stringMatching(/^(operator|viewer|tenant-admin)$/) });
      expect({ route, has: Object.keys(operation.responses) }).toEqual({
        route,
        has: expect.arrayContaining(['401', '403', '429', '500', '503']),
      });
      expect(tags.map(({ name }) => name)).toEqual(expect.arrayContaining(operation.tags ?? ['none']));
      ids.add(operation.operationId ?? '');
    }
    expect(ids.size).toBe((await operations()).length);
    expect(components?.responses?.Forbidden).toMatchObject({
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    });
  });

  it('has an example or a choice for every field of a request body', async () => {
    const { components = {} } = await document();
    const bare: string[] = [];
    const check = (schema: Json, path: string, depth: number): void => {
      const target = schema?.$ref === undefined ? schema : components.schemas?.[schema.$ref.split('/').at(-1)];
      if (target === undefined || depth > 8) return;
      for (const part of target.allOf ?? []) check(part, path, depth + 1);
      if (target.items !== undefined) check(target.items, path, depth + 1);
      for (const [name, property] of Object.entries<Json>(target.properties ?? {})) {
        const isTold = [
          'example',
          'examples',
          'enum',
          '$ref',
          'allOf',
          'default',
          'minimum',
          'additionalProperties',
        ].some((key) => key in property);
        const isItself =
          property.type === 'boolean' || property.items?.$ref !== undefined || property.items?.enum !== undefined;
        if (!isTold && !isItself && property.description === undefined) bare.push(`${path}.${name}`);
        check(property, `${path}.${name}`, depth + 1);
      }
    };
    for (const [route, { requestBody }] of await operations()) {
      if (requestBody === undefined || '$ref' in requestBody) continue;
      check(requestBody.content['application/json']?.schema, route, 0);
    }
    expect(bare).toEqual([]);
  });

  it('is open, and not on the S3 plane', async () => {
    expect((await fetch(`${vaultaire.s3Endpoint}/docs-json`)).headers.get('Content-Type')).toBe('application/xml');
    const page = await fetch(`${vaultaire.adminEndpoint}/docs`);
    expect(page.headers.get('Content-Security-Policy')).toContain("default-src 'self'");
    // What a page of another origin could reach is nothing.
    expect(page.headers.get('Access-Control-Allow-Origin')).toBeNull();
  });
});

const browserName = existsSync(CHROMIUM) ? 'Swagger UI' : `Swagger UI (skipped: ${CHROMIUM} is not installed)`;
(existsSync(CHROMIUM) ? describe : describe.skip)(browserName, () => {
  let browser: BrowserContext;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    browser = await chromium.launchPersistentContext(join(folder, 'profile'), {
      executablePath: CHROMIUM,
      args: CHROMIUM_ARGUMENTS,
      viewport: { width: 1280, height: 1000 },
    });
    page = await browser.newPage();
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (origin !== vaultaire.adminEndpoint && protocol !== 'data:') complaints.push(`asked for ${request.url()}`);
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(`${vaultaire.adminEndpoint}/docs`);
    await page.locator('.opblock').first().waitFor();
  }, 60_000);
  afterAll(() => browser.close(), 60_000);

  /** Opens an operation. Shows its heading alone, since drawing all of them takes a while without a graphics card. */
  const operation = async (tag: string, id: string): Promise<Locator> => {
    await page.locator('.operation-filter-input').fill(tag);
    const block = page.locator(`.opblock[id$="-${id}"]`);
    await block.locator('.opblock-summary-control').click();
    return block;
  };
  const execute = async (block: Locator): Promise<{ status: string; text: string }> => {
    await block.locator('button.execute').click();
    const answer = block.locator('.live-responses-table tbody .response').first();
    await answer.waitFor();
    return {
      status: (await answer.locator('.response-col_status').innerText()).trim(),
      text: await answer.locator('.response-col_description').innerText(),
    };
  };

  it('refuses to do anything before a token was given', async () => {
    const block = await operation('Drivers', 'DriverList');
    await block.locator('button.execute').click();
    const status = block.locator('.live-responses-table tbody .response-col_status').first();
    await status.waitFor();
    expect(await status.innerText()).toContain('401');
    // The browser reports the refusal too.
    expect(complaints.splice(0)).toEqual([expect.stringContaining('401')]);
  });

  it('takes a token and uses the API with it', async () => {
    await page.locator('.scheme-container button.authorize').click();
    await page.locator('.auth-container input').fill(vaultaire.adminToken);
    await page.locator('.auth-btn-wrapper button.authorize').click();
    await page.locator('.auth-btn-wrapper .btn-done').click();

    const { status, text } = await execute(await operation('Server', 'ServerGet'));
    expect(status).toBe('200');
    expect(text).toContain(vaultaire.s3Endpoint);
  });

  it('sends a body that was edited, and shows the answer', async () => {
    const block = await operation('Tokens', 'TokenCreate');
    await block.locator('textarea.body-param__text').fill(JSON.stringify({ name: 'from-the-page', role: 'viewer' }));
    const { status, text } = await execute(block);
    expect(status).toBe('201');
    expect(text).toContain('vat_');
  });

  it('does the whole job of a new customer', async () => {
    const send = async (
      tag: string,
      id: string,
      parameters: Record<string, string>,
      body?: object,
    ): Promise<string> => {
      const block = await operation(tag, id);
      for (const [name, value] of Object.entries(parameters)) {
        await block.locator(`tr[data-param-name="${name}"] input`).fill(value);
      }
      if (body !== undefined) await block.locator('textarea.body-param__text').fill(JSON.stringify(body));
      const { status, text } = await execute(block);
      expect({ id, status, text }).toMatchObject({ status: expect.stringMatching(/^20[01]$/) });
      return text;
    };
    const tenant = 'acme';
    await send('Tenants', 'TenantCreate', {}, { name: tenant });
    await send('Users', 'UserCreate', { tenant }, { name: 'alice' });
    const key = await send('Keys', 'KeyCreate', { tenant, user: 'alice' }, {});
    expect(key).toContain('secretKey');
    const quota = await send('Quotas', 'QuotaGet', { tenant });
    const etag = /etag: ("\d+")/i.exec(quota)?.[1] ?? '';
    await send('Quotas', 'QuotaSet', { tenant, 'If-Match': etag }, { bytes: { hard: 1_000_000 } });
    expect(await send('Quotas', 'UsageGet', { tenant })).toMatch(/"bytes":/);
  });

  it('loads nothing from elsewhere and breaks none of its own rules', () => {
    expect(complaints).toEqual([]);
  });
});
