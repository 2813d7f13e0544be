// The library's own sign-in pages (React) before a server that keeps its users in memory.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { symmetricEncrypt } from "better-auth/crypto";
import { toNodeHandler } from "better-auth/node";
import { emailOTP, magicLink, twoFactor } from "better-auth/plugins";
import nodemailer from "nodemailer";
import { build } from "vite";

const { APP_PORT, APP_SMTP_PORT, APP_DATA, APP_PASSWORD, APP_TOTP } = process.env;
const secret = "for-this-run-only-for-this-run-only";
const root = dirname(fileURLToPath(import.meta.url));
const mailer = nodemailer.createTransport({ host: "127.0.0.1", port: Number(APP_SMTP_PORT), ignoreTLS: true });
const mail = (to, subject, text) => mailer.sendMail({ from: "noreply@127.0.0.1", to, subject, text });
const store = { user: [], session: [], account: [], verification: [], twoFactor: [], rateLimit: [] };

const auth = betterAuth({
  baseURL: `http://127.0.0.1:${APP_PORT}`,
  secret,
  database: memoryAdapter(store),
  emailAndPassword: { enabled: true },
  plugins: [
    twoFactor({ otpOptions: { sendOTP: ({ user, otp }) => mail(user.email, "Your code", `Your verification code is ${otp}.`) } }),
    emailOTP({ sendVerificationOTP: ({ email, otp }) => mail(email, "Your code", `Your sign-in code is ${otp}.`) }),
    magicLink({ sendMagicLink: ({ email, url }) => mail(email, "Your link", `Sign in with this link:\n\n${url}\n`) }),
  ],
});

async function seed() {
  for (const name of ["otto", "ema", "lina", "oda", "paula"]) {
    await auth.api.signUpEmail({ body: { email: `${name}@mail.seezar.test`, name, password: APP_PASSWORD } });
  }
  for (const user of store.user) {
    user.emailVerified = true;
    if (user.name === "otto" || user.name === "ema") {
      user.twoFactorEnabled = true;
      store.twoFactor.push({
        id: user.id,
        userId: user.id,
        secret: await symmetricEncrypt({ key: secret, data: `base32:${APP_TOTP}` }),
        backupCodes: await symmetricEncrypt({ key: secret, data: "[]" }),
        verified: true,
      });
    }
  }
  store.session.length = 0;
}

await seed();
await build({
  root,
  logLevel: "error",
  plugins: [react(), tailwind()],
  build: { outDir: APP_DATA, rollupOptions: { input: join(root, "page.html") } },
});
const handler = toNodeHandler(auth);
const types = { ".js": "text/javascript", ".css": "text/css" };
createServer((request, response) => {
  const path = request.url.split("?")[0];
  if (path.startsWith("/api/auth/")) return handler(request, response);
  const asset = path.startsWith("/assets/") && !path.includes("..");
  response.setHeader("content-type", asset ? (types[extname(path)] ?? "application/octet-stream") : "text/html");
  return response.end(readFileSync(join(APP_DATA, asset ? path : "page.html")));
}).listen(Number(APP_PORT), "127.0.0.1");
