# deviations.tcl --
#
#	What the peers of the tests are known to do otherwise than the ready
#	conversations have it: OpenSSL 3.0 and GnuTLS 3.7. Each is a name and
#	the reason why that peer fails it. OpenSSL has mended and got some
#	between its releases 3.0.20 and 3.0.22, the two that were looked at.

namespace eval conversing {
    variable deviations

    set openssl {
	Version-Supported-6 {protocol_version, and not decode_error}
	Version-Supported-7 {protocol_version, and not decode_error}
	Version-Supported-8 {protocol_version, and not decode_error}
	Hello-Compression-5 {decode_error, and not illegal_parameter}
	Extension-List-11 {takes an empty name for none}
	Extension-Bytes-13 {does not look into extensions without contents}
	Record-Empty-1 {passes over empty records}
	Record-Empty-3 {passes over empty records}
	Ccs-Byte-5 {passes over empty records}
	Ccs-Middlebox-4 {illegal_parameter, and not unexpected_message}
	Ccs-Middlebox-5 {illegal_parameter, and not unexpected_message}
	Ccs-Middlebox-6 {illegal_parameter, and not unexpected_message}
	Attack-Exchange-1 {handshake_failure, and not decode_error}
    }
    if {[older 3.0.22]} {
	lappend openssl {*}{
	    Ccs-Finished-1 {internal_error, and not bad_record_mac}
	    Ccs-Twice-1 {internal_error, and not bad_record_mac}
	    Order-Skip-3 {internal_error, and not bad_record_mac}
	}
    }
    set deviations(server-openssl) $openssl
    set deviations(server-pyossl) $openssl
    set deviations(server-gnutls) {
	Hello-Compression-4 {takes compression methods besides null}
	Hello-Compression-6 {takes null twice}
	Hello-Missing-1 {handshake_failure, and not missing_extension}
	Hello-Missing-3 {handshake_failure, and not missing_extension}
	Extension-List-1 {handshake_failure, and not decode_error}
	Extension-List-5 {takes an empty list}
	Extension-List-6 {takes an empty list}
	Extension-Bytes-1 {takes bytes that are left over}
	Extension-Bytes-3 {unsupported_extension, and not decode_error}
	Extension-Bytes-12 {takes bytes that are left over}
	Extension-Psk-3 {unsupported_extension, and not missing_extension}
	Record-Fragment-6 {closes without an alert}
	Record-Coalesce-3 {waits for the rest of the message}
	Ccs-First-1 {passes over ChangeCipherSpec at any time}
	Ccs-First-2 {passes over ChangeCipherSpec at any time}
	Ccs-Byte-1 {waits for another ChangeCipherSpec}
	Ccs-Byte-2 {waits for another ChangeCipherSpec}
	Ccs-Byte-3 {waits for another ChangeCipherSpec}
    }

    set openssl {
	ServerHello-Old-6 {illegal_parameter, and not unsupported_extension}
	ServerHello-Old-7 {passes over extensions that it does not know}
	ServerHello-Old-9 {illegal_parameter, and not handshake_failure}
	ServerHello-Old-10 {does not look into extensions without contents}
	Retry-Wrong-9 {takes it for a ServerHello of TLS 1.2}
	Flight-Request-6 {internal_error, and not decode_error}
    }
    if {![older 3.0.22]} {
	lappend openssl ServerHello-Old-12 {does not look at ec_point_formats}
    }
    set deviations(client-openssl) [concat $openssl {
	Layer-Alert-2 {the program does not leave before its input ends}
    }]
    set deviations(client-openssl12) {}
    set deviations(client-curl) $openssl
    set deviations(client-pyossl) $openssl
    set deviations(client-gnutls) {
	ServerHello-New-3 {handshake_failure, and not illegal_parameter}
	ServerHello-New-4 {handshake_failure, and not illegal_parameter}
	ServerHello-New-5 {takes a cipher suite of TLS 1.2}
	ServerHello-New-6 {does not look at the session id}
	ServerHello-New-22 {does not look at the session id}
	ServerHello-New-23 {takes extensions that are there twice}
	ServerHello-Old-11 {takes extensions that are there twice}
	ServerHello-Old-13 {unsupported_extension, and not decode_error}
	ServerHello-Downgrade-2 {does not look for this signal}
	Retry-Cookie-2 {wants a group in a HelloRetryRequest}
	Retry-Wrong-2 {makes a new share of the same group}
	Retry-Wrong-6 {does not look at the session id}
	Retry-Wrong-7 {handshake_failure, and not illegal_parameter}
	Retry-Wrong-11 {takes bytes that are left over}
	Retry-Wrong-12 {takes extensions that are there twice}
	Retry-After-3 {handshake_failure, and not illegal_parameter}
	Flight-Key-11 {internal_error, and not illegal_parameter}
	Flight-Request-2 {handshake_failure, and no empty Certificate}
	Flight-Request-4 {takes a CertificateRequest of no bytes}
	Turn-Request-1 {refuses a HelloRequest within the handshake}
	Turn-Request-2 {refuses a HelloRequest within the handshake}
	Change-Byte-1 {waits for another ChangeCipherSpec}
	Change-Byte-2 {waits for another ChangeCipherSpec}
	Layer-Coalesce-2 {takes what is behind the ServerHello}
    }
    unset openssl
}
