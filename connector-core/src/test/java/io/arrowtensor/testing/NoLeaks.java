package io.arrowtensor.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.arrowtensor.internal.NativeBytes;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Fails a test after which this library holds a native byte more than before, or after which the
 * root allocator that a test may take as a parameter cannot be closed.
 */
public final class NoLeaks implements BeforeEachCallback, AfterEachCallback, ParameterResolver {
  private static final ExtensionContext.Namespace STORE =
      ExtensionContext.Namespace.create(NoLeaks.class);

  @Override
  public void beforeEach(ExtensionContext context) {
    context.getStore(STORE).put("before", NativeBytes.held());
  }

  @Override
  public void afterEach(ExtensionContext context) {
    BufferAllocator root = context.getStore(STORE).remove("root", BufferAllocator.class);
    if (root != null) {
      root.close();
    }
    long before = context.getStore(STORE).remove("before", Long.class);
    assertThat(NativeBytes.held() - before).as("native bytes still held").isZero();
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == BufferAllocator.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    BufferAllocator root = new RootAllocator();
    context.getStore(STORE).put("root", root);
    return root;
  }
}
