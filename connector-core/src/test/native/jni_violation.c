/* A planted violation of the JNI rules, so that a build can prove that it notices one. */
#include <jni.h>

JNIEXPORT void JNICALL Java_io_arrowtensor_JniViolation_callWithPendingException(JNIEnv *env,
                                                                                 jclass type) {
  (void)type;
  jclass failure = (*env)->FindClass(env, "java/lang/IllegalStateException");
  (*env)->ThrowNew(env, failure, "pending");
  (*env)->FindClass(env, "java/lang/Object"); /* not allowed while an exception is pending */
}
