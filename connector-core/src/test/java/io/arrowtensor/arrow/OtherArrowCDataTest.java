package io.arrowtensor.arrow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The converters behind a jar whose {@code org.apache.arrow.c} has the same names and other
 * signatures, as engines ship one: nothing of that package may be on the path of a conversion.
 */
class OtherArrowCDataTest {
  private static final Map<String, String> STAND_INS =
      Map.of(
          "org.apache.arrow.c.ArrowArray",
              "public class ArrowArray { public static Object wrap(int other) { throw new"
                  + " AssertionError(\"stand-in\"); } }",
          "org.apache.arrow.c.ArrowSchema",
              "public class ArrowSchema { public static Object wrap(int other) { throw new"
                  + " AssertionError(\"stand-in\"); } }",
          "org.apache.arrow.c.Data",
              "public class Data { static { if (true) throw new AssertionError(\"stand-in\"); } }");

  @Test
  void convertersDoNotCareForTheCDataClassesInFrontOfThem(@TempDir Path folder) throws Exception {
    Path jar = jar(folder);
    List<URL> path = new ArrayList<>(List.of(jar.toUri().toURL()));
    for (String entry : System.getProperty("java.class.path").split(java.io.File.pathSeparator)) {
      path.add(Path.of(entry).toUri().toURL());
    }
    try (URLClassLoader loader =
        new URLClassLoader(path.toArray(URL[]::new), ClassLoader.getPlatformClassLoader())) {
      Class<?> standIn = loader.loadClass("org.apache.arrow.c.ArrowArray");
      assertThat(standIn.getProtectionDomain().getCodeSource().getLocation())
          .as("where org.apache.arrow.c comes from")
          .isEqualTo(jar.toUri().toURL());
      assertThatThrownBy(() -> Class.forName("org.apache.arrow.c.Data", true, loader))
          .isInstanceOf(AssertionError.class)
          .hasMessage("stand-in");

      Object converted =
          loader.loadClass("io.arrowtensor.testing.EveryConverter").getMethod("run").invoke(null);
      assertThat(converted)
          .isEqualTo("0+1+2, 3 rows, 12 bytes by Python's protocols, 0 bytes held");
    }
  }

  private static Path jar(Path folder) throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    List<JavaFileObject> sources = new ArrayList<>();
    STAND_INS.forEach((name, body) -> sources.add(new Source(name, body)));
    boolean compiled =
        compiler.getTask(null, null, null, List.of("-d", folder.toString()), null, sources).call();
    assertThat(compiled).as("stand-ins compile").isTrue();
    Path jar = folder.resolve("engine.jar");
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
      for (String name : STAND_INS.keySet()) {
        String file = name.replace('.', '/') + ".class";
        out.putNextEntry(new JarEntry(file));
        Files.copy(folder.resolve(file), out);
        out.closeEntry();
      }
    }
    return jar;
  }

  private static final class Source extends SimpleJavaFileObject {
    private final String text;

    Source(String name, String body) {
      super(URI.create("string:///" + name.replace('.', '/') + ".java"), Kind.SOURCE);
      this.text = "package " + name.substring(0, name.lastIndexOf('.')) + "; " + body;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return text;
    }
  }
}
