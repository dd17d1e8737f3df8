import type { Health } from "./health.ts";

export interface HealthAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export const HEALTH_PATHS = ["/health", "/health/live", "/health/ready", "/health/detailed"] as const;

export type HealthPath = (typeof HEALTH_PATHS)[number];

const HEADERS = { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" };

/**
 * What a server answers to a GET of one of the paths, whatever HTTP library it uses. `details` are added to
 * `/health/detailed`, which is not for the public.
 */
export function healthAnswer(health: Health, path: HealthPath, details: () => object = () => ({})): HealthAnswer {
  switch (path) {
    case "/health":
      return answer(health.report().status === "unhealthy" ? 503 : 200, health.publicBody());
    case "/health/live":
      // Whoever can answer lives: the watchdog sees to those who cannot.
      return answer(200, '{"status":"healthy"}');
    case "/health/ready": {
      const { ready, reasons } = health.readiness();
      return ready
        ? answer(200, '{"status":"healthy"}')
        : answer(503, JSON.stringify({ status: "unhealthy", detail: reasons.join("; "), reasons }));
    }
    case "/health/detailed":
      return answer(
        200,
        JSON.stringify({
          ...health.report(),
          ...health.readiness(),
          draining: health.isDraining,
          uptimeSeconds: Math.round(process.uptime()),
          memory: process.memoryUsage(),
          ...details(),
        }),
      );
  }
}

function answer(status: number, body: string): HealthAnswer {
  return { status, headers: HEADERS, body };
}
