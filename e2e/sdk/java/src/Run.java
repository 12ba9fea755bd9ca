import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import okhttp3.Cookie;
import okhttp3.CookieJar;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import sh.ory.kratos.ApiClient;
import sh.ory.kratos.ApiException;
import sh.ory.kratos.api.FrontendApi;
import sh.ory.kratos.model.PerformNativeLogoutBody;
import sh.ory.kratos.model.RegistrationFlow;
import sh.ory.kratos.model.UiNodeInputAttributes;
import sh.ory.kratos.model.UpdateRegistrationFlowBody;
import sh.ory.kratos.model.UpdateRegistrationFlowWithPasswordMethod;

/** Takes Maven's sh.ory.kratos:kratos-client through its journeys, and prints one line for each way. */
public final class Run {
  private static final String NAME = "Maven sh.ory.kratos:kratos-client 25.4.0";
  private static final String SERVER = System.getenv("ZELUS_PUBLIC_URL");

  private interface Journey {
    void go(String email) throws Exception;
  }

  /** Keeps cookies as a browser does. */
  private static final class Jar implements CookieJar {
    private final List<Cookie> cookies = new ArrayList<>();

    @Override
    public void saveFromResponse(HttpUrl url, List<Cookie> set) {
      for (Cookie cookie : set) {
        cookies.removeIf(old -> old.name().equals(cookie.name()));
        if (cookie.expiresAt() > System.currentTimeMillis()) {
          cookies.add(cookie);
        }
      }
    }

    @Override
    public List<Cookie> loadForRequest(HttpUrl url) {
      return List.copyOf(cookies);
    }

    String header() {
      return String.join("; ", cookies.stream().map(cookie -> cookie.name() + "=" + cookie.value()).toList());
    }
  }

  private static FrontendApi client(CookieJar jar) {
    OkHttpClient http = new OkHttpClient.Builder().cookieJar(jar).build();
    return new FrontendApi(new ApiClient(http).setBasePath(SERVER));
  }

  private static UpdateRegistrationFlowBody registration(String email, String csrfToken) {
    UpdateRegistrationFlowWithPasswordMethod method = new UpdateRegistrationFlowWithPasswordMethod();
    method.setMethod("password");
    method.setPassword(UUID.randomUUID() + "-Aa1");
    method.setTraits(Map.of("email", email));
    method.setCsrfToken(csrfToken);
    return new UpdateRegistrationFlowBody(method);
  }

  private static String csrfToken(RegistrationFlow flow) {
    return flow.getUi().getNodes().stream()
        .map(node -> node.getAttributes().getActualInstance())
        .filter(UiNodeInputAttributes.class::isInstance)
        .map(UiNodeInputAttributes.class::cast)
        .filter(input -> input.getName().equals("csrf_token"))
        .map(input -> String.valueOf(input.getValue()))
        .findFirst()
        .orElseThrow();
  }

  private static FrontendApi registerInBrowser(Jar jar, String email) throws ApiException {
    FrontendApi api = client(jar);
    RegistrationFlow flow = api.createBrowserRegistrationFlow(null, null, null, null, null);
    api.updateRegistrationFlow(flow.getId(), registration(email, csrfToken(flow)), null);
    return api;
  }

  private static void checkSignedIn(FrontendApi api, String token, String cookie, String email) throws ApiException {
    Object traits = api.toSession(token, cookie, null).getIdentity().getTraits();
    if (!(traits instanceof Map<?, ?> map) || !email.equals(map.get("email"))) {
      throw new IllegalStateException("whoami tells of " + traits);
    }
  }

  private static void checkSignedOut(FrontendApi api, String token, String cookie) {
    try {
      api.toSession(token, cookie, null);
    } catch (ApiException error) {
      if (error.getCode() == 401) {
        return;
      }
      throw new IllegalStateException("whoami is answered " + error.getCode() + " in place of 401");
    }
    throw new IllegalStateException("still signed in");
  }

  private static void nativeToken(String email) throws ApiException {
    FrontendApi api = client(CookieJar.NO_COOKIES);
    String flow = api.createNativeRegistrationFlow(null, null, null, null).getId();
    String token = api.updateRegistrationFlow(flow, registration(email, null), null).getSessionToken();
    checkSignedIn(api, token, null, email);
    api.performNativeLogout(new PerformNativeLogoutBody().sessionToken(token));
    checkSignedOut(api, token, null);
  }

  private static void cookiesInBrowser(String email) throws ApiException {
    FrontendApi api = registerInBrowser(new Jar(), email);
    checkSignedIn(api, null, null, email);
    api.updateLogoutFlow(api.createBrowserLogoutFlow(null, null).getLogoutToken(), null, null);
    checkSignedOut(api, null, null);
  }

  /** What a Java web app does for its visitor. */
  private static void forwardedCookie(String email) throws ApiException {
    Jar visitor = new Jar();
    registerInBrowser(visitor, email);
    String cookie = visitor.header();
    FrontendApi api = client(CookieJar.NO_COOKIES);
    checkSignedIn(api, null, cookie, email);
    api.updateLogoutFlow(api.createBrowserLogoutFlow(cookie, null).getLogoutToken(), null, cookie);
    checkSignedOut(api, null, cookie);
  }

  private static boolean check(String way, Journey journey) {
    try {
      journey.go(UUID.randomUUID() + "@example.org");
      System.out.println("ok - " + NAME + ", " + way);
      return true;
    } catch (Exception error) {
      System.out.println("not ok - " + NAME + ", " + way + ": " + error.toString().replace('\n', ' '));
      return false;
    }
  }

  public static void main(String[] args) {
    boolean ok = check("native token", Run::nativeToken);
    ok &= check("cookies in a browser", Run::cookiesInBrowser);
    ok &= check("forwarded cookie", Run::forwardedCookie);
    System.exit(ok ? 0 : 1);
  }
}
