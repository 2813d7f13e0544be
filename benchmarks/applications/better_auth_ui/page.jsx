import { AuthUIProvider, AuthView, SignedIn, RedirectToSignIn } from "@daveyplate/better-auth-ui";
import { emailOTPClient, magicLinkClient, twoFactorClient } from "better-auth/client/plugins";
import { createAuthClient } from "better-auth/react";
import { createRoot } from "react-dom/client";
import "./page.css";

const authClient = createAuthClient({
  plugins: [
    twoFactorClient({ onTwoFactorRedirect: () => window.location.assign("/auth/two-factor") }),
    emailOTPClient(),
    magicLinkClient(),
  ],
});

function Reports() {
  return (
    <>
      <RedirectToSignIn />
      <SignedIn>
        <h1>Reports</h1>
        <p>Only for those signed in.</p>
      </SignedIn>
    </>
  );
}

const [, first, view] = window.location.pathname.split("/");
createRoot(document.getElementById("root")).render(
  <AuthUIProvider
    authClient={authClient}
    credentials
    emailOTP
    magicLink
    twoFactor={["totp", "otp"]}
    redirectTo="/reports"
    navigate={(href) => window.location.assign(href)}
    replace={(href) => window.location.replace(href)}
    Link={(props) => <a {...props} />}
  >
    <main>{first === "auth" ? <AuthView pathname={view} /> : <Reports />}</main>
  </AuthUIProvider>,
);
