import type { NestExpressApplication } from '@nestjs/platform-express';
import { SwaggerModule } from '@nestjs/swagger';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { NextFunction, Request, Response } from 'express';
import { openApiDocument } from './openapi-document';

/** Nothing but what this server serves; the page styles itself by attributes and shows images of its own as data. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

const STYLE = `
.swagger-ui .topbar { display: none }
.swagger-ui .info { margin: 30px 0 20px }
.swagger-ui .scheme-container { padding: 12px 0; box-shadow: none; border-bottom: 1px solid #e3e3e3 }
`;

/**
 * Swagger UI at `/docs`, the document at `/docs-json` and `/docs-yaml`. Open to all: the document tells what the API is, and
 * using it takes a token. The page comes from `swagger-ui-dist` on this disk and loads nothing from elsewhere.
 */
export function setUpSwagger(app: NestExpressApplication): void {
  app.use('/docs', (_request: Request, response: Response, next: NextFunction) => {
    response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    next();
  });
  let document: OpenAPIObject | undefined;
  SwaggerModule.setup('docs', app, () => (document ??= openApiDocument(app)), {
    customSiteTitle: 'Vaultaire admin API',
    customCss: STYLE,
    customfavIcon: './docs/favicon-32x32.png',
    swaggerOptions: {
      // The token is gone with the page: whoever opens the browser next must not have it.
      persistAuthorization: false,
      displayRequestDuration: true,
      docExpansion: 'list',
      filter: true,
      tryItOutEnabled: true,
      defaultModelsExpandDepth: 0,
    },
  });
}
