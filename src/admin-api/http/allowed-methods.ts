/** The part of an Express 5 router that tells which methods a path takes. */
interface RouteLayer {
  readonly route: { readonly methods: Readonly<Record<string, boolean>> };
  match(path: string): boolean;
}

/** Methods, in upper case, of the routes of an Express application that match `path`. Empty: no route does. */
export function allowedMethods(app: unknown, path: string): string[] {
  const methods = routeLayers(app).flatMap((layer) => (layer.match(path) ? Object.keys(layer.route.methods) : []));
  return [...new Set(methods)].map((method) => method.toUpperCase()).sort();
}

function routeLayers(app: unknown): RouteLayer[] {
  const stack = property(property(app, 'router'), 'stack');
  return Array.isArray(stack) ? stack.filter(isRouteLayer) : [];
}

function isRouteLayer(layer: unknown): layer is RouteLayer {
  return (
    typeof property(layer, 'match') === 'function' && typeof property(property(layer, 'route'), 'methods') === 'object'
  );
}

function property(value: unknown, name: string): unknown {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return undefined;
  return name in value ? Reflect.get(value, name) : undefined;
}
